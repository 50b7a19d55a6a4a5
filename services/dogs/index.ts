/** The dogs service. Its program is in services/pets. */
import { runService } from '@bun-monitoring/pets'
import { dogs } from './model.ts'
import { version } from './package.json'

process.exit(await runService(dogs, version, Bun.env))
