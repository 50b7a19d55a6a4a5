/** Writes the SQLite file of this service to a backup: `bun run backup FILE` here. */
import { runBackup } from '@bun-monitoring/pets/backup'
import { kind } from './model.ts'

process.exit(await runBackup(kind, Bun.env, Bun.argv.slice(2)))
