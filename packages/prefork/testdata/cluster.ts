/**
 * A small cluster for the tests. The response to `/` comes from the module `TOY_CODE`, so that a reload can be seen; the other
 * paths misbehave. `/slow` responds once the file `TOY_RELEASE` exists.
 */
import { existsSync } from 'node:fs'
import { HttpServerMetrics } from '@bun-monitoring/metrics'
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig, run, serveHttp } from '../index.ts'

const settings = Type.Object(processSettings({ port: 0, adminPort: 0 }))
const { TOY_CODE, TOY_RELEASE, TOY_MIGRATION, TOY_BOOT, TOY_BOOT_MS, TOY_CLOSE, TOY_NOT_READY, TOY_HANDLER } =
  Bun.env
const leak: Uint8Array[] = []

// Not in workers, which have their role here until they take it.
if (TOY_HANDLER === 'throws' && Bun.env['PREFORK_ROLE'] === undefined) {
  process.on('SIGUSR2', () => {
    throw new Error('in a handler of signals')
  })
}

process.exit(
  await run({
    name: 'toys',
    version: '1.0.0',
    prefix: 'TOYS',
    config: () => readConfig(settings, 'TOYS', Bun.env),
    notReady: () => TOY_NOT_READY,
    async prepare() {
      if (TOY_MIGRATION === 'broken') throw new Error('no such table')
      if (TOY_MIGRATION === 'endless') {
        console.log('{"msg":"migrating"}')
        await new Promise(() => {})
      }
      if (TOY_MIGRATION === 'slow') {
        console.log('{"msg":"migrating"}')
        await Bun.sleep(1000)
      }
      console.log('prepared')
    },
    async serve(_, { id, registry, tally, log, addresses }) {
      await Bun.sleep(Number(TOY_BOOT_MS ?? 0))
      if (TOY_BOOT === 'exit') process.exit(7)
      if (TOY_BOOT === 'crash later') setTimeout(() => process.exit(9), 1000)
      const body = TOY_CODE === undefined ? 'toy' : ((await import(TOY_CODE)) as { answer: string }).answer
      const metrics = new HttpServerMetrics(registry, tally)

      const misbehave: Record<string, () => Promise<unknown> | void> = {
        '/never': () => new Promise(() => {}),
        '/slow': async () => {
          while (!existsSync(TOY_RELEASE!)) await Bun.sleep(10)
        },
        '/block': () => {
          for (;;);
        },
        '/exit': () => process.exit(5),
        '/throw': () => {
          setTimeout(() => {
            throw new Error('thrown later')
          }, 1)
          return new Promise(() => {})
        },
        '/reject': () => {
          void Promise.reject(new Error('rejected'))
          return new Promise(() => {})
        },
        // A process that leaves its own child behind: the child becomes an orphan.
        '/orphan': () => Bun.spawn(['sh', '-c', 'sleep 0.1 & exit']).exited,
        '/leak': () => void leak.push(new Uint8Array(64 * 1024 * 1024).fill(1)),
      }
      return serveHttp(addresses, {
        async close() {
          if (TOY_CLOSE === undefined) return
          console.log('closing')
          await Bun.sleep(Number(TOY_CLOSE))
          if (TOY_CLOSE === '') throw new Error('the disk is full')
          console.log('closed')
        },
        idleTimeout: 75,
        websocket: { message: (socket, text) => void socket.send(`${process.pid} ${text}`) },
        async fetch(request, server) {
          if (server.upgrade(request)) return
          const measured = metrics.begin(request.method)
          const { pathname } = new URL(request.url)
          measured.route = pathname
          tally.route(measured)
          if (pathname !== '/') log.info(`asked ${pathname}`)
          await misbehave[pathname]?.()
          if (request.body) await request.bytes()
          metrics.end(measured, pathname, 200)
          return new Response(body, { headers: { 'X-Worker': String(id), 'X-Pid': String(process.pid) } })
        },
      })
    },
  }),
)
