/** The cats service: see services/pets for what it is made of. */
import { runService } from '@bun-monitoring/pets'
import { cats } from './model.ts'
import { version } from './package.json'

process.exit(await runService(cats, version, Bun.env))
