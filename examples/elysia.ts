/**
 * An Elysia app with two workers, measured: `bun examples/elysia.ts`, then `curl localhost:8080/greet/Ada` and
 * `curl localhost:9080/metrics`. `kill -HUP` of the master reloads it without a failed request.
 */
import { httpMetrics } from '@bun-monitoring/metrics/elysia'
import { processSettings, readConfig, run, serveHttp } from '@bun-monitoring/prefork'
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'

const settings = Type.Object(processSettings({ port: 8080, adminPort: 9080 }))

process.exit(
  await run({
    name: 'greeter',
    version: '1.0.0',
    prefix: 'GREETER',
    config: () => readConfig(settings, 'GREETER', Bun.env),
    serve(_, { addresses, registry, tally }) {
      const app = new Elysia()
        .use(httpMetrics({ registry, tally }))
        .get('/greet/:name', ({ params }) => `hello, ${params.name}\n`)
      return serveHttp(addresses, { idleTimeout: 75, fetch: app.fetch })
    },
  }),
)
