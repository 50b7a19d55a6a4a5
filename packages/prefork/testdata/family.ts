/** A small family for run.test.ts: `/slow` answers after SIGUSR2, `/never` does not answer. */
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig, run } from '../index.ts'

const settings = Type.Object(processSettings({ port: 0, adminPort: 0 }))
const released = Promise.withResolvers<Response>()
process.on('SIGUSR2', () => released.resolve(new Response('released')))

process.exit(
  await run({
    name: 'toys',
    version: '1.0.0',
    prefix: 'TOYS',
    config: () => readConfig(settings, 'TOYS', Bun.env),
    prepare() {
      if (Bun.env.BROKEN_MIGRATION) throw new Error('no such table')
    },
    serve(config, { tally, log }) {
      const server = Bun.serve({
        hostname: config.host,
        port: config.port,
        reusePort: false,
        development: false,
        async fetch(request) {
          const measured = tally.begin(performance.now())
          const { pathname } = new URL(request.url)
          log.info({ pathname }, `asked ${pathname}`)
          if (pathname === '/never') await new Promise(() => {})
          const answer = pathname === '/slow' ? await released.promise : new Response('toy')
          tally.end(measured, performance.now())
          return answer
        },
      })
      return { hostname: config.host, port: server.port!, stop: (force) => server.stop(force) }
    },
  }),
)
