import { afterAll, describe, expect, test } from 'bun:test'
import { Elysia, NotFoundError, status, t } from 'elysia'
import { Registry } from '../api/registry.ts'
import type { PromClientItem, PromClientValue } from '../api/prom_client.ts'
import { httpMetrics } from './elysia.ts'
import type { TalliedRequest } from './http_server.ts'

function measuredApp() {
  const slow = { entered: Promise.withResolvers<void>(), response: Promise.withResolvers<string>() }
  const registry = new Registry()
  const app = new Elysia({ handler: { standardHostname: false } })
    .use(httpMetrics({ registry, exclude: ['/healthz'] }))
    .onError(({ error, code }) => {
      if (code === 'NOT_FOUND') return new Response('nothing here', { status: 404 })
      return error instanceof TypeError ? new Response('ours', { status: 500 }) : undefined
    })
    .get('/healthz', 'ok')
    .get('/static/', 'inline')
    .get('/value/', () => ({ a: 1 }))
    .get('/async/', async () => ({ a: 1 }))
    .get('/response/', () => new Response('teapot', { status: 418 }))
    .get('/set-status/', ({ set }) => {
      set.status = 202
      return 'accepted'
    })
    .get('/returned-status/', () => status(409, 'conflict'))
    .get('/thrown-status/', () => {
      throw status(403, 'no')
    })
    .get('/thrown/', () => {
      throw new TypeError('broken')
    })
    .get('/rejected/', async () => {
      throw new TypeError('broken later')
    })
    .get('/not-found/', () => {
      throw new NotFoundError()
    })
    .get('/items/:id/', ({ params }) => params.id)
    .post('/body/', ({ body }) => body, { body: t.Object({ name: t.String() }) })
    .get('/stream/', async function* () {
      yield 'one'
      yield 'two'
    })
    .get('/slow/', () => {
      slow.entered.resolve()
      return slow.response.promise
    })
    .all('/any/', () => 'any')
    .all('/checked/', () => 'checked', { query: t.Object({ a: t.String() }) })
    .get('/healthz/deep', () => 'deep')
  return { app, registry, slow }
}

/** As HTTP/1.0 allows. @returns the response. */
async function askWithoutHost(port: number, path: string): Promise<string> {
  const response = Promise.withResolvers<string>()
  let received = ''
  await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      open: (socket) => void socket.write(`GET ${path} HTTP/1.0\r\n\r\n`),
      data: (_, bytes) => void (received += bytes.toString()),
      close: () => response.resolve(received),
    },
  })
  return response.promise
}

/** Lets everything that is due run. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

interface Counted {
  labels: { http_request_method: string; http_route: string; http_response_status_code: string }
  count: number
}

const valuesOf = async (registry: Registry, name: string): Promise<PromClientValue[]> =>
  ((await registry.getSingleMetric(name)!.get()) as PromClientItem).values

async function counted(registry: Registry): Promise<Counted[]> {
  const values = await valuesOf(registry, 'http_server_request_duration_seconds')
  return values
    .filter(({ metricName }) => metricName?.endsWith('_count'))
    .map(({ labels, value }) => ({ labels: labels as Counted['labels'], count: value }))
}

const servers = {
  'Bun.serve with app.fetch': (app: Elysia) => Bun.serve({ port: 0, development: false, fetch: app.fetch }),
  'app.listen': (app: Elysia) => app.listen({ port: 0, reusePort: false }).server!,
}

const json = (body: string): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'Content-Type': 'application/json' },
})

const cases: [name: string, path: string, init: RequestInit, wire: number, route: string][] = [
  ['a returned value', '/value/', {}, 200, '/value/'],
  ['a path without its slash', '/value', {}, 200, '/value/'],
  ['a query', '/value/?a=/b', {}, 200, '/value/'],
  ['a promised value', '/async/', {}, 200, '/async/'],
  ['a returned Response', '/response/', {}, 418, '/response/'],
  ['set.status', '/set-status/', {}, 202, '/set-status/'],
  ['a returned status()', '/returned-status/', {}, 409, '/returned-status/'],
  ['a thrown status()', '/thrown-status/', {}, 403, '/thrown-status/'],
  ['a thrown error', '/thrown/', {}, 500, '/thrown/'],
  ['a rejected promise', '/rejected/', {}, 500, '/rejected/'],
  ['a thrown NotFoundError', '/not-found/', {}, 404, '/not-found/'],
  ['a path parameter', '/items/7/', {}, 200, '/items/:id/'],
  ['HEAD', '/value/', { method: 'HEAD' }, 200, '/value/'],
  ['a body that a schema refuses', '/body/', json('{}'), 422, '/body/'],
  ['a body that is no JSON', '/body/', json('{'), 400, '/body/'],
  ['an unmatched path', '/nowhere/', {}, 404, 'unmatched'],
  ['an unmatched method', '/value/', { method: 'DELETE' }, 404, 'unmatched'],
  ['a static route', '/static/', {}, 200, '/static/'],
  ['a static route without its slash', '/static', {}, 200, '/static/'],
  ['HEAD of a static route', '/static/', { method: 'HEAD' }, 200, '/static/'],
  ['a query that a schema refuses, for all methods', '/checked/', { method: 'PUT' }, 422, '/checked/'],
  ['a stream', '/stream/', {}, 200, '/stream/'],
  ['a route for all methods', '/any/', { method: 'PATCH' }, 200, '/any/'],
]

for (const [how, serve] of Object.entries(servers)) {
  describe(`served by ${how}`, () => {
    const { app, registry, slow } = measuredApp()
    const server = serve(app as unknown as Elysia)
    afterAll(() => server.stop(true))
    const url = (path: string) => `http://127.0.0.1:${server.port}${path}`

    test.each(cases)(
      '%s is counted once, with the status on the wire',
      async (_, path, init, wire, route) => {
        registry.resetMetrics()
        const response = await fetch(url(path), init)
        await response.text()
        expect(response.status).toBe(wire)
        expect(await counted(registry)).toEqual([
          {
            labels: {
              http_request_method: init.method ?? 'GET',
              http_route: route,
              http_response_status_code: String(wire),
            },
            count: 1,
          },
        ])
      },
    )

    test('an excluded path is not counted', async () => {
      registry.resetMetrics()
      expect(await (await fetch(url('/healthz'))).text()).toBe('ok')
      expect(await (await fetch(url('/healthz?deep'))).text()).toBe('ok')
      expect(await counted(registry)).toEqual([])
      expect(await (await fetch(url('/healthz/deep'))).text()).toBe('deep')
      expect(await counted(registry)).toMatchObject([{ labels: { http_route: '/healthz/deep' }, count: 1 }])
    })

    test('a request without a Host has its route, too', async () => {
      registry.resetMetrics()
      for (const path of ['/healthz', '/value/', '/nowhere/at/all/']) await askWithoutHost(server.port!, path)
      expect((await counted(registry)).map(({ labels }) => labels.http_route)).toEqual([
        '/value/',
        'unmatched',
      ])
    })

    test('an unknown method makes no series of its own', async () => {
      registry.resetMetrics()
      await fetch(url('/any/'), { method: 'PROPFIND' })
      await fetch(url('/any/'), { method: 'REPORT' })
      const series = await counted(registry)
      expect(series.map(({ labels }) => labels.http_request_method)).toEqual(['_OTHER'])
      expect(series[0]!.count).toBe(2)
    })

    test('a request whose client left is in flight until its handler ends, and counted once', async () => {
      registry.resetMetrics()
      const active = () => registry.getSingleMetricAsString('http_server_active_requests')
      const abort = new AbortController()
      const request = fetch(url('/slow/'), { signal: abort.signal }).catch((error: Error) => error.name)
      await slow.entered.promise
      abort.abort()
      expect(await request).toBe('AbortError')
      expect(await active()).toContain('"GET"} 1')
      expect(await counted(registry)).toEqual([])
      slow.response.resolve('late')
      await turn()
      expect(await active()).toContain('"GET"} 0')
      expect((await counted(registry)).map(({ count }) => count)).toEqual([1])
    })

    test('errors that end as 5xx are exceptions, those that are the fault of the client are not', async () => {
      registry.resetMetrics()
      for (const path of ['/thrown/', '/rejected/', '/thrown-status/', '/not-found/', '/nowhere/'])
        await fetch(url(path))
      const values = await valuesOf(registry, 'http_server_exceptions_total')
      expect(values.map(({ labels, value }) => [labels.http_route, labels.error_type, value])).toEqual([
        ['/thrown/', 'TypeError', 1],
        ['/rejected/', 'TypeError', 1],
      ])
    })
  })
}

test('the handshake of a WebSocket is counted under its route', async () => {
  const registry = new Registry()
  const app = new Elysia().use(httpMetrics({ registry })).ws('/talk/', {})
  const server = app.listen({ port: 0, reusePort: false }).server!
  const opened = Promise.withResolvers<Event>()
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/talk/`)
  socket.addEventListener('open', opened.resolve)
  socket.addEventListener('error', opened.reject)
  await opened.promise
  const series = await counted(registry)
  expect(series.map(({ labels, count }) => [labels.http_route, count])).toEqual([['/talk/', 1]])
  await server.stop(true)
})

test('the tally is told the route before the handler runs, or as soon as the request waits', async () => {
  const routes: string[] = []
  const tally = {
    exceptions: 0,
    begin: ({ route }: TalliedRequest) => void routes.push(`begin ${route}`),
    route: ({ route }: TalliedRequest) => void routes.push(`route ${route}`),
    end: ({ route }: TalliedRequest) => void routes.push(`end ${route}`),
  }
  const app = new Elysia()
    .use(httpMetrics({ registry: new Registry(), tally }))
    .get('/at-once/', () => {
      routes.push('handler')
      return 'ok'
    })
    .post('/later/', ({ body }) => {
      routes.push('handler')
      return body
    })
  await app.handle(new Request('http://localhost/at-once/'))
  expect(routes.splice(0)).toEqual(['begin ', 'route /at-once/', 'handler', 'end /at-once/'])
  await app.handle(new Request('http://localhost/later/', json('{"a":1}')))
  expect(routes.splice(0)).toEqual(['begin ', 'route /later/', 'handler', 'end /later/'])
})

test('a request inside of another is counted under its own route', async () => {
  const registry = new Registry()
  const app = new Elysia().use(httpMetrics({ registry })).get('/inner/', async () => 'inner')
  app.get('/outer/', async () => app.handle(new Request('http://localhost/inner/')))
  expect(await (await app.handle(new Request('http://localhost/outer/'))).text()).toBe('inner')
  const series = await counted(registry)
  expect(series.map(({ labels, count }) => [labels.http_route, count])).toEqual([
    ['/inner/', 1],
    ['/outer/', 1],
  ])
})

test('the tally learns of each request and each exception once', async () => {
  const log: string[] = []
  const tally = {
    exceptions: 0,
    begin: () => void log.push('begin'),
    end: () => void log.push('end'),
  }
  const app = new Elysia().use(httpMetrics({ registry: new Registry(), tally })).get('/', () => {
    throw new Error('broken')
  })
  expect((await app.handle(new Request('http://localhost/'))).status).toBe(500)
  expect(log).toEqual(['begin', 'end'])
  expect(tally.exceptions).toBe(1)
})

const REFUSAL =
  'httpMetrics cannot measure an Elysia app with aot: false: remove that option, or ELYSIA_AOT=false'

test('an app without ahead-of-time compilation is refused', () => {
  const plugin = httpMetrics({ registry: new Registry() })
  expect(() => new Elysia({ aot: false }).use(plugin)).toThrow(new Error(REFUSAL))
})

test('a measured app inside of one without ahead-of-time compilation answers with the refusal', async () => {
  const inner = new Elysia().use(httpMetrics({ registry: new Registry() })).get('/inner/', () => 'inner')
  const outer = new Elysia({ aot: false }).use(inner)
  const response = await outer.handle(new Request('http://localhost/inner/'))
  expect([response.status, await response.text()]).toEqual([500, REFUSAL])
})

test('a measured app inside of another one is counted', async () => {
  const registry = new Registry()
  const inner = new Elysia().use(httpMetrics({ registry })).get('/inner/', () => 'inner')
  await new Elysia().use(inner).handle(new Request('http://localhost/inner/'))
  expect((await counted(registry)).map(({ labels, count }) => [labels.http_route, count])).toEqual([
    ['/inner/', 1],
  ])
})
