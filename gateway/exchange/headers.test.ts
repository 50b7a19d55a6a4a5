/** Changes of header fields, limits, timeouts and log by a route. */
import { describe, expect, test } from 'bun:test'
import type { RouteConfig } from '../config/gateway_file.ts'
import { cannedUpstream, namedUpstream, OK, rawClient, rawUpstream, startGateway, until } from '../testing.ts'

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: Shop.example:80\r\nA: 1\r\nB: 2\r\na: 3\r\n\r\n'
const routed = (route: Partial<RouteConfig>) => ({
  routes: [{ id: 'dogs', path: '/dogs', upstream: 'dogs', ...route }],
})

describe('to the upstream', () => {
  test('fields are set, added and removed, with placeholders', async () => {
    using upstream = await cannedUpstream(OK)
    const request_headers = {
      set: { a: '{host} {client} {request_id}', Host: 'inner.example' },
      add: { B: ['3', '{other} {"json": 1}'] },
      remove: ['x-forwarded-for', 'NONE'],
    }
    await using gateway = startGateway(upstream.url, { ...routed({ request_headers }), accessLog: 'all' })
    await gateway.ask(GET)
    const lines = upstream.heads[0]!.split('\r\n')
    const [{ request_id }] = gateway.logged()
    const ofName = (name: string) => lines.filter((line) => line.toLowerCase().startsWith(`${name}: `))
    expect(ofName('a')).toEqual([`a: shop.example 127.0.0.1 ${request_id}`])
    expect(ofName('b')).toEqual(['B: 2', 'B: 3', 'B: {other} {"json": 1}'])
    expect(ofName('host')).toEqual(['Host: inner.example'])
    expect(ofName('x-forwarded-for')).toEqual([])
    expect(ofName('x-forwarded-host')).toEqual(['X-Forwarded-Host: Shop.example:80'])
  })

  test('the prefix that strip removes can be replaced and removed', async () => {
    using upstream = await cannedUpstream(OK)
    const prefixes = async (request_headers: RouteConfig['request_headers']) => {
      await using gateway = startGateway(
        upstream.url,
        routed({ strip: true, ...(request_headers && { request_headers }) }),
      )
      await gateway.ask(GET)
      return upstream.heads.at(-1)!.match(/^X-Forwarded-Prefix: .*$/gim)
    }
    expect(await prefixes({ set: { 'x-forwarded-prefix': '/own' } })).toEqual(['x-forwarded-prefix: /own'])
    expect(await prefixes({ remove: ['X-Forwarded-Prefix'] })).toBeNull()
    expect(await prefixes({ remove: ['X-Other'] })).toEqual(['X-Forwarded-Prefix: /dogs'])
  })

  test('a request of HTTP/1.0 without Host gets the one that is set', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url, routed({ request_headers: { set: { host: 'inner' } } }))
    await gateway.ask('GET /dogs/ HTTP/1.0\r\n\r\n')
    expect(upstream.heads[0]!.match(/^host: .*$/gim)).toEqual(['host: inner'])
  })
})

describe('to the client', () => {
  const response_headers = {
    set: { 'Strict-Transport-Security': 'max-age=1', Server: '{host}' },
    add: { 'Set-Cookie': 'b=2' },
    remove: ['X-Powered-By'],
  }

  test('fields of each response are changed, kept connections and cached heads included', async () => {
    using upstream = await cannedUpstream(
      'HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nserver: x\r\nX-Powered-By: y\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok',
    )
    await using gateway = startGateway(upstream.url, routed({ response_headers }))
    using client = await rawClient(gateway.port, GET + GET)
    const received = await client.until(/okHTTP[^]*ok$/)
    const head =
      'HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n' +
      'Strict-Transport-Security: max-age=1\r\nServer: shop.example\r\nSet-Cookie: b=2\r\n\r\nok'
    expect(received).toBe(head + head)
  })

  test.each([
    ['an error of the upstream', { targets: 'http://127.0.0.1:1' }, 502],
    ['a redirect', { redirect: { status: 308, location: 'https://{host}/' } }, 308],
    ['a fixed response', { respond: { status: 200, type: 'text/plain', body: '}' } }, 200],
  ])('%s has them, too', async (_, action, status) => {
    const route = {
      id: 'dogs',
      path: '/dogs',
      response_headers,
      ...('targets' in action ? { upstream: 'dogs' } : action),
    }
    await using gateway = startGateway('http://127.0.0.1:1', { routes: [route as RouteConfig] })
    const response = await gateway.ask(GET.replace('GET', 'POST'), /\}$|\r\n\r\n$/)
    expect(response).toStartWith(`HTTP/1.1 ${status} `)
    expect(response).toContain('\r\nStrict-Transport-Security: max-age=1\r\nServer: shop.example\r\n')
  })
})

describe('a rejected request of a route', () => {
  const CORS = { 'Access-Control-Allow-Origin': '*', 'X-Host': '{host} {client}' }
  const route = { limits: { body_bytes: 3 }, response_headers: { set: CORS, remove: ['Retry-After'] } }
  const declared = 'Content-Length: 4\r\n\r\n'
  const counted = 'Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'
  const stalled = 'Content-Length: 3\r\n\r\nbo'

  test.each([
    ['declared too large', declared, 413],
    ['counted too large', counted, 413],
    ['stalled', stalled, 408],
    ['malformed', 'Transfer-Encoding: chunked\r\n\r\nz', 400],
  ])('has the fields, the page and the id of its route: %s', async (_, rest, status) => {
    using upstream = await cannedUpstream('')
    const errors = new Map([[status, { html: '<p>own' }]])
    await using gateway = startGateway(upstream.url, { ...routed({ ...route, errors }), accessLog: 'errors' })
    for (const [method, accept, type, end] of [
      ['POST', 'text/html', 'text/html; charset=utf-8', '<p>own'],
      ['POST', '*/*', 'application/problem+json', '}'],
      ['HEAD', 'text/html', 'text/html; charset=utf-8', '\r\n\r\n'],
    ] as const) {
      const before = upstream.heads.length
      using client = await rawClient(
        gateway.port,
        `${method} /dogs/ HTTP/1.1\r\nHost: Shop:80\r\nAccept: ${accept}\r\n${rest}`,
      )
      if (rest === stalled) {
        await until(() => upstream.heads.length > before)
        gateway.advance(30_001)
      }
      const response = await client.untilClosed()
      expect(response).toStartWith(`HTTP/1.1 ${status} `)
      expect(response).toContain(`\r\nContent-Type: ${type}\r\n`)
      expect(response).toContain('\r\nAccess-Control-Allow-Origin: *\r\nX-Host: shop 127.0.0.1\r\n')
      expect(response).toEndWith(end)
    }
    const ids = gateway.logged().map((line) => [line.route, line.host, line.status])
    expect(ids).toEqual([1, 2, 3].map(() => ['dogs', 'shop', status]))
  })

  test('has the id that the upstream got, if that sends no response', async () => {
    let seen = ''
    using upstream = await rawUpstream((received, socket) => {
      seen = received
      socket.destroy()
    })
    const response_headers = { set: { 'X-Id': '{request_id}' } }
    await using gateway = startGateway(upstream.url, routed({ response_headers }))
    const response = await gateway.ask(GET.replace('GET', 'POST'), /\}$/)
    expect(response).toStartWith('HTTP/1.1 502 ')
    const [, id] = /^X-Request-Id: (\w+)\r$/m.exec(seen)!
    expect(response).toContain(`\r\nX-Id: ${id}\r\n`)
  })

  test('is not logged if its route says so', async () => {
    await using gateway = startGateway('http://127.0.0.1:1', {
      ...routed({ ...route, log: { access: 'off' } }),
      accessLog: 'all',
    })
    for (const rest of [declared, counted])
      await gateway.ask(`POST /dogs/ HTTP/1.1\r\nHost: a\r\n${rest}`, /\}$/)
    expect(gateway.logged()).toEqual([])
  })
})

describe('a route has its own', () => {
  const POST = (bytes: number) =>
    `POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`

  test.each([
    [5, 10, 5, 200],
    [5, 10, 6, 413],
    [20, 10, 20, 200],
    [20, 10, 21, 413],
  ])('limit of a body: %d bytes beside %d of the file: %d is %d', async (own, all, bytes, status) => {
    using upstream = await cannedUpstream(OK)
    const limits = { bodyBytes: all }
    await using gateway = startGateway(upstream.url, { ...routed({ limits: { body_bytes: own } }), limits })
    expect(await gateway.ask(POST(bytes), /ok$|\}$/)).toStartWith(`HTTP/1.1 ${status} `)
    const hex = bytes.toString(16)
    const chunked = `POST /dogs/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${hex}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`
    expect(await gateway.ask(chunked, /ok$|\}$/)).toStartWith(`HTTP/1.1 ${status} `)
  })

  test.each([
    ['by its length', 'Content-Length: 5\r\n\r\nabcd', 'e', /abcde$/],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nabcd', 'e\r\n0\r\n\r\n', /0\r\n\r\n$/],
  ])('limit of a body, which may end with a later read, %s', async (_, first, last, end) => {
    let seen = ''
    using upstream = await rawUpstream((received, socket) => {
      seen = received
      if (end.test(received)) socket.write(OK)
    })
    await using gateway = startGateway(upstream.url, routed({ limits: { body_bytes: 5 } }))
    using client = await rawClient(gateway.port, `POST /dogs/ HTTP/1.1\r\nHost: a\r\n${first}`)
    await until(() => seen.endsWith('abcd'))
    client.socket.write(last)
    expect(await client.until(/ok$|\}$/)).toStartWith('HTTP/1.1 200 ')
  })

  test('timeout of a response', async () => {
    using upstream = await namedUpstream('slow')
    upstream.state.does = 'nothing'
    await using gateway = startGateway(upstream.url, routed({ timeouts: { response_header_ms: 500 } }))
    using client = await rawClient(gateway.port, GET)
    await until(() => upstream.asked.length === 1)
    gateway.advance(500)
    expect(client.received()).toBe('')
    gateway.advance(1)
    expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 504 ')
  })

  test('timeout of a body', async () => {
    using upstream = await namedUpstream('slow')
    await using gateway = startGateway(upstream.url, routed({ timeouts: { body_stall_ms: 500 } }))
    upstream.state.does = 'nothing'
    using client = await rawClient(gateway.port, POST(9).slice(0, -4))
    await until(() => upstream.asked.length === 1)
    gateway.advance(501)
    expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 408 ')
  })

  test.each([
    ['off', 'all', 0],
    ['all', 'off', 1],
    ['all', 'errors', 1],
  ] as const)('access log %s beside %s of the file: %d lines', async (own, all, lines) => {
    using upstream = await cannedUpstream(OK)
    const log = { access: own }
    const [forwards] = routed({ log }).routes
    const responds = { id: 'ok', path: '/ok', log, respond: { status: 200, type: 'text/plain', body: 'ok' } }
    await using gateway = startGateway(upstream.url, { routes: [forwards!, responds], accessLog: all })
    await gateway.ask(GET)
    await gateway.ask(GET.replace('/dogs/', '/ok'))
    const routes = gateway.logged().map(({ route }) => route)
    expect(routes).toEqual(['dogs', 'ok'].flatMap((id) => Array.from({ length: lines }, () => id)))
  })
})
