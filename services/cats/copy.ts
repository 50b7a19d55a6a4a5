/** Copies the rows of the SQLite file into PostgreSQL: `bun run copy --help` here. */
import { runCopy } from '@bun-monitoring/pets/copy'
import { kind } from './model.ts'

process.exit(await runCopy(kind, Bun.env, Bun.argv.slice(2)))
