/**
 * The gateway, the entry to the services: it forwards each request to the upstream of its route. config/ reads the
 * settings and gateway.toml; server.ts accepts the connections.
 */
import { run } from '@bun-monitoring/prefork'
import { PREFIX, readGatewayConfig } from './config/settings.ts'
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
