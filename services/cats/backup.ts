/** Writes the SQLite file of cats to a backup: `bun run backup FILE` here, or `bun services/cats/backup.ts FILE`. */
import { runBackup } from '@bun-monitoring/pets/backup'
import { cats } from './model.ts'

process.exit(await runBackup(cats, Bun.env, Bun.argv.slice(2)))
