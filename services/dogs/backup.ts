/** Writes the SQLite file of dogs to a backup: `bun run backup FILE` here, or `bun services/dogs/backup.ts FILE`. */
import { runBackup } from '@bun-monitoring/pets/backup'
import { dogs } from './model.ts'

process.exit(await runBackup(dogs, Bun.env, Bun.argv.slice(2)))
