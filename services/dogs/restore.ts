/** Replaces all dogs by those of a backup: `bun run restore FILE` here, or `bun services/dogs/restore.ts FILE`. */
import { runRestore } from '@bun-monitoring/pets/backup'
import { dogs } from './model.ts'

process.exit(await runRestore(dogs, Bun.env, Bun.argv.slice(2)))
