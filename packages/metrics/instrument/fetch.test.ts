import { afterAll, beforeEach, describe, expect, spyOn, test } from 'bun:test'
import type { PromClientItem } from '../api/prom_client.ts'
import { Registry } from '../api/registry.ts'
import { measured } from './fetch.ts'

const registry = new Registry()
const slow = { entered: Promise.withResolvers<void>(), response: Promise.withResolvers<Response>() }

const ROUTES: Record<
  string,
  (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response> | undefined
> = {
  '/': () => new Response('home'),
  '/later': async () => new Response('later', { status: 202 }),
  '/thrown': () => {
    throw new TypeError('broken')
  },
  '/rejected': async () => {
    throw new RangeError('broken later')
  },
  '/failed': () => new Response('no', { status: 503 }),
  '/slow': () => {
    slow.entered.resolve()
    return slow.response.promise
  },
  '/socket': (request, server) => (server.upgrade(request) ? undefined : new Response('no', { status: 400 })),
  '/healthz': () => new Response('ok'),
}

const pathOf = ({ url }: Request) => new URL(url).pathname
const fetchOf = measured(
  (request: Request, server: Bun.Server<undefined>) =>
    (ROUTES[pathOf(request)]?.(request, server) ?? new Response('nothing here', { status: 404 })) as Response,
  {
    registry,
    route: (request) => (pathOf(request) in ROUTES ? pathOf(request) : undefined),
    exclude: ['/healthz'],
  },
)

const server = Bun.serve({
  port: 0,
  development: false,
  fetch(request, self) {
    // An upgraded request has no response.
    if (pathOf(request) === '/socket') return socket.call(this, request, self)
    return fetchOf.call(this, request, self)
  },
  error: () => new Response('broken', { status: 500 }),
  websocket: { message() {} },
})
const socket = measured(
  ROUTES['/socket'] as (request: Request, server: Bun.Server<undefined>) => Response | undefined,
  {
    registry,
    route: () => '/socket',
  },
)
afterAll(() => server.stop(true))
beforeEach(() => registry.resetMetrics())

const valuesOf = async (name: string) =>
  ((await registry.getSingleMetric(name)!.get()) as PromClientItem).values

const counted = async () =>
  (await valuesOf('http_server_request_duration_seconds'))
    .filter(({ metricName }) => metricName?.endsWith('_count'))
    .map(({ labels, value }) => [Object.values(labels).join(' '), value])

const url = (path: string) => `http://127.0.0.1:${server.port}${path}`

describe('a measured fetch handler', () => {
  test.each([
    ['/', 'GET', 200, '/'],
    ['/?a=b', 'GET', 200, '/'],
    ['/', 'PROPFIND', 200, '/'],
    ['/later', 'POST', 202, '/later'],
    ['/thrown', 'GET', 500, '/thrown'],
    ['/rejected', 'GET', 500, '/rejected'],
    ['/failed', 'GET', 503, '/failed'],
    ['/nowhere/at/all', 'GET', 404, 'unmatched'],
  ])('%s %s is counted once, with its status', async (path, method, status, route) => {
    expect((await fetch(url(path), { method })).status).toBe(status)
    expect(await counted()).toEqual([[`${method === 'PROPFIND' ? '_OTHER' : method} ${route} ${status}`, 1]])
  })

  test('errors are exceptions, responses with a 5xx are not', async () => {
    for (const path of ['/thrown', '/rejected', '/failed', '/nowhere']) await fetch(url(path))
    const values = await valuesOf('http_server_exceptions_total')
    expect(values.map(({ labels, value }) => [Object.values(labels).join(' '), value])).toEqual([
      ['/thrown TypeError', 1],
      ['/rejected RangeError', 1],
    ])
  })

  test('a request is in flight until its response is ready', async () => {
    const active = () => registry.getSingleMetricAsString('http_server_active_requests')
    const request = fetch(url('/slow'))
    await slow.entered.promise
    expect(await active()).toContain('"GET"} 1')
    expect(await counted()).toEqual([])
    slow.response.resolve(new Response('late'))
    await request
    expect(await active()).toContain('"GET"} 0')
    expect(await counted()).toEqual([['GET /slow 200', 1]])
  })

  test('an excluded path is not counted', async () => {
    expect(await (await fetch(url('/healthz'))).text()).toBe('ok')
    expect(await counted()).toEqual([])
  })

  test('the handshake of a WebSocket is counted as such', async () => {
    const opened = Promise.withResolvers<Event>()
    const client = new WebSocket(url('/socket').replace('http', 'ws'))
    client.addEventListener('open', opened.resolve)
    client.addEventListener('error', opened.reject)
    await opened.promise
    client.close()
    expect(await counted()).toEqual([['GET /socket 101', 1]])
  })
})

test('without a registry the global one shows it, and the handler keeps its arguments and its this', async () => {
  const { register } = await import('../api/registry.ts')
  const seen: unknown[] = []
  const handler = measured(
    function (this: unknown, request: Request, extra: string) {
      seen.push(this, request.method, extra)
      return new Response()
    },
    { route: (_, extra) => extra, exclude: ['/healthz'] },
  )
  const self = {}
  handler.call(self, new Request('http://localhost/'), '/extra')
  handler.call(self, new Request('http://localhost/healthz'), '/excluded')
  expect(seen).toEqual([self, 'GET', '/extra', self, 'GET', '/excluded'])
  expect(await register.metrics()).toContain('http_route="/extra"')
  register.clear()
  measured(() => new Response(), { route: () => '/again' })(new Request('http://localhost/'))
  expect(await register.metrics()).toContain('http_route="/again"')
  register.clear()
})

test('the duration of a request is in seconds', async () => {
  const own = new Registry()
  using now = spyOn(performance, 'now').mockReturnValue(1000)
  const handler = () => {
    now.mockReturnValue(3500)
    return new Response()
  }
  await measured(handler, { registry: own, route: () => '/' })(new Request('http://localhost/'))
  expect(await own.metrics()).toMatch(/^http_server_request_duration_seconds_sum\{.*\} 2\.5$/m)
})

test('requests in flight are on the page at 0 before the first request, and after a reset', async () => {
  const own = new Registry()
  measured(() => new Response(), { registry: own, route: () => '/' })
  const active = () => own.getSingleMetricAsString('http_server_active_requests')
  expect(await active()).toContain('http_server_active_requests{http_request_method="GET"} 0')
  own.resetMetrics()
  expect(await active()).toContain('http_server_active_requests{http_request_method="GET"} 0')
})
