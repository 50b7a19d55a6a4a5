/** The example of the README, as a whole file: `HELLO_WORKERS=4 bun testdata/example.ts`. */
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig, run, serveHttp } from '../index.ts'

const settings = Type.Object(processSettings({ port: 8080, adminPort: 9080 }))

process.exit(
  await run({
    name: 'hello',
    version: '1.0.0',
    prefix: 'HELLO',
    config: () => readConfig(settings, 'HELLO', Bun.env),
    serve: (_, { addresses }) =>
      serveHttp(addresses, { idleTimeout: 75, fetch: () => new Response('hello\n') }),
  }),
)
