/** The dogs service: see services/pets for what it is made of. */
import { runService } from '@bun-monitoring/pets'
import { dogs } from './model.ts'
import { version } from './package.json'

process.exit(await runService(dogs, version, Bun.env))
