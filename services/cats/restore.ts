/** Replaces all rows by those of a backup: `bun run restore FILE` here. */
import { runRestore } from '@bun-monitoring/pets/backup'
import { kind } from './model.ts'

process.exit(await runRestore(kind, Bun.env, Bun.argv.slice(2)))
