/** The service of the kind in model.ts. Its program is in services/pets. */
import { runService } from '@bun-monitoring/pets'
import { kind } from './model.ts'
import { version } from './package.json'

process.exit(await runService(kind, version, Bun.env))
