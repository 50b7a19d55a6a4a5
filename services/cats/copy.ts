/** Copies the cats of the SQLite file into PostgreSQL: `bun run copy` here, or `bun services/cats/copy.ts --help`. */
import { runCopy } from '@bun-monitoring/pets/copy'
import { cats } from './model.ts'

process.exit(await runCopy(cats, Bun.env, Bun.argv.slice(2)))
