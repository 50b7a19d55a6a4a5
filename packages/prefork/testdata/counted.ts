/** A plain app for the tests, which neither measures nor counts its requests: `serveHttp` does. */
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig, run, serveHttp } from '../index.ts'

const settings = Type.Object(processSettings({ port: 0, adminPort: 0 }))

process.exit(
  await run({
    name: 'toys',
    version: '1.0.0',
    prefix: 'TOYS',
    config: () => readConfig(settings, 'TOYS', Bun.env),
    serve: (_, { addresses }) =>
      serveHttp(addresses, {
        idleTimeout: 10,
        async fetch(request) {
          const { pathname } = new URL(request.url)
          if (pathname === '/throw') throw new Error('on purpose')
          if (pathname === '/never') return new Promise(() => {})
          if (pathname === '/missing') return new Response('no such toy', { status: 404 })
          if (pathname === '/bytes') return new Response(new Uint8Array(1000))
          return new Response('hello')
        },
      }),
  }),
)
