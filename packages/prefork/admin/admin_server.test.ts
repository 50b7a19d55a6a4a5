import { expect, test } from 'bun:test'
import { Counter, Registry } from '@bun-monitoring/metrics'
import type { ProcessConfig } from '../shared/config.ts'
import { adminHandler, serveAdmin } from './admin_server.ts'

let reason: string | undefined
const handle = adminHandler({
  metrics: () => new Response('page'),
  stats: () => ({ name: 'dogs' }),
  notReady: () => reason,
})
const ask = (path: string, method = 'GET') => handle(new Request(`http://localhost:9001${path}`, { method }))

test('stats are JSON of exactly the type that uwsgi_exporter accepts', async () => {
  const response = await ask('/stats?x=1')
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.json()).toEqual({ name: 'dogs' })
})

test('metrics and health are answered', async () => {
  expect(await (await ask('/metrics')).text()).toBe('page')
  expect((await ask('/healthz')).status).toBe(200)
})

test('a request without a Host gets a response: old balancers check health with HTTP/1.0', async () => {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: handle })
  const answer = Promise.withResolvers<string>()
  await Bun.connect({
    hostname: '127.0.0.1',
    port: server.port!,
    socket: {
      open: (socket) => void socket.write('GET /healthz HTTP/1.0\r\n\r\n'),
      data: (_, bytes) => answer.resolve(bytes.toString()),
      close: () => answer.resolve('closed without a response'),
    },
  })
  expect(await answer.promise).toStartWith('HTTP/1.1 200 OK\r\n')
  await server.stop(true)
})

test('ready is 200, not ready is 503 with the reason', async () => {
  expect((await ask('/readyz')).status).toBe(200)
  reason = 'dogs is stopping'
  const response = await ask('/readyz')
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ status: 503, detail: 'dogs is stopping' })
})

test('other methods are 405, other paths 404', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const response = await ask('/stats', method)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
  }
  expect((await ask('/stats', 'HEAD')).status).toBe(200)
  expect((await ask('/')).status).toBe(404)
  expect((await ask('/constructor')).status).toBe(404)
})

test('the server has the metrics of its registry, and shares its port with no other', async () => {
  const registry = new Registry()
  new Counter({ name: 'dogs_total', help: 'Dogs', registers: [registry] }).inc(3)
  const serve = (adminPort: number) =>
    serveAdmin({ adminHost: '127.0.0.1', adminPort } as ProcessConfig, registry, {
      stats: () => ({}),
      notReady: () => undefined,
    })
  const server = serve(0)
  expect(await (await fetch(`${server.url}metrics`)).text()).toContain('dogs_total 3\n')
  // Series that were there at the first look have counted since the start of this process.
  const headers = { Accept: 'application/openmetrics-text;version=1.0.0' }
  const openMetrics = await (await fetch(`${server.url}metrics?created=1`, { headers })).text()
  const created = Number(/^dogs_created (\S+)$/m.exec(openMetrics)![1])
  expect(Math.abs(created - performance.timeOrigin / 1000)).toBeLessThan(0.01)
  expect(() => serve(server.port!)).toThrow()
  await server.stop(true)
})

test('an error of the server is told to no client', async () => {
  const script = `
    const { serveAdmin } = await import(${JSON.stringify(`${import.meta.dir}/admin_server.ts`)})
    const server = serveAdmin({ adminHost: '127.0.0.1', adminPort: 0 }, undefined, {
      stats() { throw new Error('a secret') },
    })
    const response = await fetch(server.url + 'stats')
    console.log(response.status, (await response.text()).includes('secret'))
    process.exit()`
  await using child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'ignore' })
  expect(await new Response(child.stdout).text()).toBe('500 false\n')
})
