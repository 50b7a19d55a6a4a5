/** Replaces all cats by those of a backup: `bun run restore FILE` here, or `bun services/cats/restore.ts FILE`. */
import { runRestore } from '@bun-monitoring/pets/backup'
import { cats } from './model.ts'

process.exit(await runRestore(cats, Bun.env, Bun.argv.slice(2)))
