/** The service as services/dogs runs it, for tests with real processes. */
import { runService } from '../index.ts'
import { testKind } from '../testing.ts'

process.exit(await runService(testKind, '0.0.0', Bun.env))
