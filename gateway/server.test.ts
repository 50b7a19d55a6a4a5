import { describe, expect, setSystemTime, spyOn, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kinds } from '../services/testing_kinds.ts'
import type { AccessLogMode } from './observe/access_log.ts'
import { HeaderRules } from './routing/header_rules.ts'
import { cannedUpstream, expectProblem, OK, rawClient, rawUpstream, startGateway } from './testing.ts'

const ASK = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

describe('routes', () => {
  test.each(['/metrics', '/stats', '/healthz', '/readyz', '/dogsx', '/nothing', '/DOGS'])(
    '%s has no route: 404, and the connection stays',
    async (path) => {
      using upstream = await cannedUpstream(OK)
      await using gateway = startGateway(upstream.url)
      await expectProblem(await fetch(gateway.url + path), 404, `No route takes ${path}`)
      expect(await gateway.counted()).toEqual({ 'GET unmatched 404': 1 })
      expect(await gateway.ask(ASK.replace('/dogs/', path) + ASK)).toEndWith('ok')
    },
  )

  test('of a file reply with a text, redirect, or take some methods only', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url, {
      routes: [
        { id: 'robots', path: '/robots.txt', respond: { status: 200, type: 'text/plain', body: 'no' } },
        { id: 'old', path: '/old', redirect: { status: 301, location: '/dogs/' } },
        { id: 'read', path: '/dogs', methods: ['GET', 'HEAD'], upstream: 'dogs' },
        { id: 'rest', path: '/', methods: ['GET'], upstream: 'dogs' },
      ],
    })
    const robots = await fetch(`${gateway.url}/robots.txt`)
    expect([robots.headers.get('content-type'), await robots.text()]).toEqual(['text/plain', 'no'])
    const old = await fetch(`${gateway.url}/old/1`, { redirect: 'manual' })
    expect([old.status, old.headers.get('location')]).toEqual([301, '/dogs/'])
    const post = await fetch(`${gateway.url}/dogs/`, { method: 'POST', body: 'x' })
    expect(post.headers.get('allow')).toBe('GET, HEAD')
    await expectProblem(post, 405, 'This path takes GET, HEAD')
    expect(await (await fetch(`${gateway.url}/dogs/`)).text()).toBe('ok')
    expect(await (await fetch(`${gateway.url}/`)).text()).toBe('ok')
    expect(await gateway.counted()).toEqual({
      'GET robots 200': 1,
      'GET old 301': 1,
      'POST unmatched 405': 1,
      'GET read 200': 1,
      'GET rest 200': 1,
    })
  })

  test('forward to unix sockets as well', async () => {
    const unix = join(tmpdir(), `gateway-${process.pid}.sock`)
    await using _ = Bun.serve({ unix, fetch: ({ url }) => new Response(new URL(url).pathname) })
    await using gateway = startGateway(`unix:${unix}`)
    expect(await (await fetch(`${gateway.url}/dogs/1`)).text()).toBe('/dogs/1')
    expect(await gateway.ask('GET /dogs/ HTTP/1.0\r\n\r\n', /\/dogs\/$/)).toStartWith('HTTP/1.1 200 ')
  })
})

test('several gateways may share a port, but one that does not share finds it taken', async () => {
  await using first = startGateway('http://127.0.0.1:1')
  await using second = startGateway('http://127.0.0.1:1')
  const port = first.server.serveOn({ hostname: '127.0.0.1', port: 0, reusePort: true })
  expect(second.server.serveOn({ hostname: '127.0.0.1', port, reusePort: true })).toBe(port)
  expect(() => second.server.serveOn({ hostname: '127.0.0.1', port: first.port, reusePort: false })).toThrow(
    'Failed to listen',
  )
})

test('clients may connect to unix sockets, too', async () => {
  const unix = join(tmpdir(), `gateway-front-${process.pid}.sock`)
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url)
  gateway.server.serveOn({ unix })
  expect(await (await fetch('http://a/dogs/', { unix })).text()).toBe('ok')
  expect(upstream.heads[0]).toContain('\r\nX-Forwarded-For: unknown\r\n')
})

describe('the page at /', () => {
  test('links to everything', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const response = await fetch(gateway.url)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('date')).toBeTruthy()
    const links = [...(await response.text()).matchAll(/href="([^"]+)"/g)].map(([, link]) => link)
    expect(links).toEqual([
      // Relative: another proxy may serve the gateway under a path.
      ...kinds.flatMap(({ name, defaults }) => [
        `${name}/`,
        `${name}/swagger`,
        `http://127.0.0.1:${defaults.adminPort}/metrics`,
        `http://127.0.0.1:${defaults.adminPort}/stats`,
      ]),
      'http://127.0.0.1:9117/',
      'http://127.0.0.1:3000/',
      'http://127.0.0.1:9090/',
      'http://127.0.0.1:9000/metrics',
      'http://127.0.0.1:9000/stats',
    ])
    expect(await gateway.counted()).toEqual({ 'GET page 200': 1 })
  })

  test('has a head', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const response = await fetch(gateway.url, { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0)
    expect(await gateway.counted()).toEqual({ 'HEAD page 200': 1 })
  })

  test('is for a target without a path, too', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const response = await gateway.ask('GET http://a HTTP/1.1\r\nHost: a\r\n\r\n', /<\/html>\s*$|\}$/)
    expect(response).toStartWith('HTTP/1.1 200 ')
  })

  test('takes no body: 405', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const response = await fetch(gateway.url, { method: 'POST', body: 'x' })
    expect(response.headers.get('allow')).toBe('GET, HEAD')
    await expectProblem(response, 405, 'This path takes GET, HEAD')
  })
})

describe('metrics', () => {
  test('with known labels are there before the first request', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const page = await gateway.page()
    expect(page).toContain('gateway_upstream_attempts_total{upstream="dogs"} 0')
    expect(page).toContain('gateway_upstream_retries_total{upstream="dogs",reason="stale"} 0')
    expect(page).toContain(
      'gateway_upstream_request_duration_seconds_count{upstream="dogs",http_response_status_code="0"} 0',
    )
    expect(page).toContain('gateway_client_aborts_total 0')
    expect(page).toContain('gateway_rejections_total{reason="framing"} 0')
  })

  test('show the states of connections', async () => {
    using upstream = await rawUpstream(() => {})
    await using gateway = startGateway(upstream.url)
    using others = new DisposableStack()
    for (const text of ['', 'GET /']) others.use(await rawClient(gateway.port, text))
    using writing = await rawClient(gateway.port, ASK)
    while (upstream.sockets.size === 0 || gateway.server.connections() < 3) await new Promise(setImmediate)
    while ((await gateway.metric('gateway_connections{state="reading"}')) === 0) gateway.advance(1)
    expect(await gateway.metric('gateway_connections{state="waiting"}')).toBe(1)
    expect(await gateway.metric('gateway_connections{state="writing"}')).toBe(1)
    expect(await gateway.metric('gateway_upstream_connections{upstream="dogs",state="active"}')).toBe(1)
    for (const socket of upstream.sockets) socket.write(OK)
    await writing.until(/ok$/)
    gateway.advance(1)
    expect(await gateway.metric('gateway_upstream_connections{upstream="dogs",state="active"}')).toBe(0)
    expect(await gateway.metric('gateway_upstream_connections{upstream="dogs",state="idle"}')).toBe(1)
    expect(await gateway.metric('gateway_connections_accepted_total')).toBe(3)
    expect(await gateway.metric('gateway_received_bytes_total')).toBe('GET /'.length + ASK.length)
    expect(await gateway.metric('gateway_sent_bytes_total')).toBe(writing.received().length)
    expect(await gateway.metric('gateway_upstream_connect_seconds_count{upstream="dogs"}')).toBe(1)
  })

  test('count bytes of bodies that are sent, not those that HEAD only declares', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    await gateway.ask()
    expect(gateway.tally).toHaveProperty('sentBytes', 2)
    // More than the largest body that is allowed by default.
    const buckets = (await gateway.page()).matchAll(
      /^http_server_request_body_size_bytes_bucket\{.*le="(\d+)"/gm,
    )
    expect(Math.max(...Array.from(buckets, ([, le]) => Number(le)))).toBe(64 * 8 ** 7)
    using _ = await cannedUpstream(OK)
    await gateway.ask(ASK.replace('GET', 'HEAD'), /\r\n\r\n$/)
    expect(gateway.tally).toHaveProperty('sentBytes', 2)
    const page = await gateway.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n', /<\/html>\s*$/)
    expect(gateway.tally).toHaveProperty(
      'sentBytes',
      2 + Buffer.byteLength(page.split('\r\n\r\n')[1]!, 'latin1'),
    )
  })
})

describe('the access log', () => {
  test('has a line for each request, with the id that the upstream got', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url, { accessLog: 'all' })
    const startedMs = performance.now()
    await gateway.ask(
      `POST /dogs/?a HTTP/1.1\r\nHost: a\r\nUser-Agent: "k6"\r\nContent-Length: 5\r\n\r\nhello`,
    )
    await gateway.ask('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', /<\/html>/)
    await gateway.ask('GET / HTTP/1.1\r\n\r\n', /\}$/)
    const base = { level: 'info', msg: 'request', client: '127.0.0.1', time: expect.any(Number) }
    const most = (performance.now() - startedMs) / 1000
    expect(gateway.logged()[0].seconds).toBeWithin(Number.MIN_VALUE, most)
    expect(gateway.logged()).toEqual([
      expect.objectContaining({
        ...base,
        request: 'POST /dogs/?a',
        route: 'dogs',
        status: 200,
        seconds: expect.any(Number),
        received_bytes: 5,
        sent_bytes: 2,
        request_id: /X-Request-Id: (\w+)/.exec(upstream.heads[0]!)![1],
        trace_id: /traceparent: 00-(\w+)-/.exec(upstream.heads[0]!)![1],
        target: upstream.url.slice('http://'.length),
        host: 'a',
        user_agent: '"k6"',
      }),
      expect.objectContaining({
        ...base,
        request: 'GET /',
        route: 'page',
        status: 200,
        host: 'a',
        received_bytes: 5,
      }),
      expect.objectContaining({ ...base, route: 'unmatched', status: 400, reason: 'host' }),
    ])
  })

  test('has the trace of the client, beside the id of a trusted proxy or of the gateway', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url, { accessLog: 'all', trustedProxies: ['127.0.0.1'] })
    const trace = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n'
    for (const fields of [trace, 'X-Request-Id: mine\r\n', `X-Request-Id: mine\r\n${trace}`])
      await gateway.ask(`GET /dogs/ HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
    const sent = upstream.heads.map((head) =>
      [/x-request-id: (\w+)/i, /traceparent: 00-(\w+)-/i].map((each) => each.exec(head)![1]),
    )
    expect(gateway.logged().map(({ request_id, trace_id }) => [request_id, trace_id])).toEqual(sent)
    expect(sent[1]![0]).toBe('mine')
  })

  test('is what a route says, before what the file says', async () => {
    using upstream = await cannedUpstream(OK)
    const to = (path: string, access: AccessLogMode) => ({
      id: access,
      path,
      upstream: 'dogs',
      log: { access },
    })
    await using gateway = startGateway(upstream.url, {
      accessLog: 'errors',
      routes: [to('/dogs', 'all'), to('/cats', 'off')],
    })
    for (const path of ['/dogs/', '/cats/']) await gateway.ask(ASK.replace('/dogs/', path))
    expect(gateway.logged().map(({ route }) => route)).toEqual(['all'])
  })

  test('may have a share of the requests with 2xx, and all others', async () => {
    using upstream = await rawUpstream((received, socket) =>
      socket.write(received.includes('/bad') ? OK.replace('200', '404') : OK),
    )
    await using gateway = startGateway(upstream.url, { log: { access: 'all', sample2xx: 0 } })
    await gateway.ask()
    await gateway.ask(ASK.replace('/dogs/', '/dogs/bad'))
    expect(gateway.logged().map(({ status }) => status)).toEqual([404])
  })

  test('is bounded in each second, and counts the lines that are left out', async () => {
    setSystemTime(new Date())
    await using gateway = startGateway('http://127.0.0.1:1', {
      accessLog: 'errors',
      log: { errorsPerSecond: 1 },
    })
    for (let i = 0; i < 3; i++) await gateway.ask('GET /none HTTP/1.1\r\nHost: a\r\n\r\n', /\}$/)
    expect(gateway.logged()).toHaveLength(1)
    expect(await gateway.metric('gateway_access_log_left_out_total')).toBe(2)
    setSystemTime()
  })

  test('has the request line of a rejected message if it could be read', async () => {
    await using gateway = startGateway('http://127.0.0.1:1', { accessLog: 'errors' })
    for (const text of [
      'TRACE /dogs/1 HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /dogs/../?a HTTP/1.1\r\nHost: a\r\n\r\n',
      'POST /dogs/2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
      'POST /?a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
      'GET\r\n\r\n',
    ])
      await gateway.ask(text, /\}$/)
    expect(gateway.logged().map(({ request, reason }) => [request, reason])).toEqual([
      ['TRACE /dogs/1', 'method'],
      ['GET /dogs/../?a', 'path'],
      ['POST /dogs/2', 'chunk'],
      ['POST /?a', 'chunk'],
      ['', 'request_line'],
    ])
  })

  test.each<[AccessLogMode, [number, string][]]>([
    ['errors', [[502, 'malformed']]],
    ['off', []],
  ])('may be limited to %s', async (accessLog, failures) => {
    using upstream = await rawUpstream((received, socket) =>
      socket.write(received.includes('/bad') ? 'x\n' : OK),
    )
    await using gateway = startGateway(upstream.url, { accessLog })
    await gateway.ask()
    await gateway.ask(ASK.replace('/dogs/', '/dogs/bad'), /\}$/)
    expect(gateway.logged().map(({ status, reason }) => [status, reason])).toEqual(failures)
  })
})

test.each(['request_headers', 'response_headers'])(
  'the beginning of a head that a bug in %s broke off reaches no other connection',
  async (key) => {
    let seen = ''
    using upstream = await rawUpstream((received, socket) => {
      seen = received
      socket.write(OK)
    })
    const routes = [{ id: 'dogs', path: '/dogs', upstream: 'dogs', [key]: { add: { A: 'b' } } }]
    await using gateway = startGateway(upstream.url, { routes })
    using _ = spyOn(HeaderRules.prototype, 'added').mockImplementationOnce(() => {
      throw new Error('a bug')
    })
    using client = await rawClient(gateway.port, ASK)
    expect(await client.untilClosed()).toBe('')
    expect(gateway.errors).toEqual(['a bug'])
    const response = await gateway.ask()
    expect(response).toStartWith('HTTP/1.1 200 OK\r\n')
    expect(response.match(/HTTP/g)).toHaveLength(1)
    expect(seen.match(/GET /g)).toHaveLength(1)
    expect(seen).toStartWith(ASK.trimEnd())
  },
)

test('a client that leaves is forgotten by its peer', async () => {
  await using gateway = startGateway('http://127.0.0.1:1')
  using leave = spyOn(gateway.server.gateway.peers, 'leave')
  using client = await rawClient(gateway.port, '')
  while (gateway.server.connections() === 0) await new Promise(setImmediate)
  client.socket.destroy()
  while (gateway.server.connections() > 0) await new Promise(setImmediate)
  expect(leave.mock.calls.map(([{ address, connections }]) => [address, connections])).toEqual([
    ['127.0.0.1', 0],
  ])
})

test('a bug in the gateway costs one connection, and is logged', async () => {
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url)
  const { http } = gateway.server.gateway.exchangeMetrics
  const begin = http.begin.bind(http)
  http.begin = () => {
    http.begin = begin
    throw new Error('a bug')
  }
  using client = await rawClient(gateway.port, ASK)
  expect(await client.untilClosed()).toBe('')
  expect(gateway.errors).toEqual(['a bug'])
  expect(await gateway.ask()).toEndWith('ok')
})
