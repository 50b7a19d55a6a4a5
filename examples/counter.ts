/** A counter and its page in one process: `bun examples/counter.ts`, then `curl localhost:8080/metrics`. */
import { Counter, page, register } from '@bun-monitoring/metrics'

const greetings = new Counter({ name: 'greetings_total', help: 'Greetings sent' })

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(Bun.env.PORT ?? 8080),
  routes: {
    '/': () => {
      greetings.inc()
      return new Response('hello\n')
    },
    '/metrics': async (request) => page(await register.families(), request),
  },
})
console.log(`http://127.0.0.1:${server.port}`)
