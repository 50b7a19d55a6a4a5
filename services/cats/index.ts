/** The cats service. Its program is in services/pets. */
import { runService } from '@bun-monitoring/pets'
import { cats } from './model.ts'
import { version } from './package.json'

process.exit(await runService(cats, version, Bun.env))
