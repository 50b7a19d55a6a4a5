/**
 * The gateway, the entry to the services: it forwards each request to the upstream of its route. config/ reads the
 * settings and gateway.toml; server.ts accepts the connections.
 */
import { run } from '@bun-monitoring/prefork'
import { PREFIX, readGatewayConfig } from './config/settings.ts'
import { version } from './package.json'
import { removeRateTables } from './io/rate_table.ts'
import { serve } from './server.ts'

const exitCode = await run({
  name: 'gateway',
  version,
  prefix: PREFIX,
  config: () => readGatewayConfig(Bun.env),
  serve,
})
removeRateTables()
process.exit(exitCode)
