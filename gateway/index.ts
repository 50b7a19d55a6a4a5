/**
 * The gateway: the one door to the services. It reads its routes from gateway.toml and forwards each request to
 * the upstream that its path names. Settings are in config.ts and file.ts, a request's way through is server.ts.
 */
import { run } from '@bun-monitoring/prefork'
import { PREFIX, readGatewayConfig } from './config.ts'
import { version } from './package.json'
import { serve } from './server.ts'

process.exit(
  await run({
    name: 'gateway',
    version,
    prefix: PREFIX,
    config: () => readGatewayConfig(Bun.env),
    serve,
  }),
)
