/** Copies the dogs of the SQLite file into PostgreSQL: `bun run copy` here, or `bun services/dogs/copy.ts --help`. */
import { runCopy } from '@bun-monitoring/pets/copy'
import { dogs } from './model.ts'

process.exit(await runCopy(dogs, Bun.env, Bun.argv.slice(2)))
