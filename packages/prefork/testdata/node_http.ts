/** An app on node:http for the tests: Express, Fastify and Koa listen in this way. */
import { createServer } from 'node:http'
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig, run } from '../index.ts'

const settings = Type.Object(processSettings({ port: 0, adminPort: 0 }))

process.exit(
  await run({
    name: 'toys',
    version: '1.0.0',
    prefix: 'TOYS',
    config: () => readConfig(settings, 'TOYS', Bun.env),
    serve(_, { addresses }) {
      const server = createServer((_request, response) => response.end('hello'))
      const unix = addresses.find((address) => 'unix' in address)
      const tcp = addresses.find((address) => 'port' in address)!
      // `reusePort` is what an Express app would set, and Bun ignores.
      if (unix) server.listen(unix.unix)
      else server.listen({ host: tcp.hostname, port: tcp.port, reusePort: true })
      const stopped = new Promise<void>((resolve) => server.on('close', resolve))
      return {
        lameDuck() {},
        stop(force) {
          server.close()
          if (force) server.closeAllConnections()
          return stopped
        },
      }
    },
  }),
)
