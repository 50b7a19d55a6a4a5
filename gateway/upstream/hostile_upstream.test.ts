/**
 * Attack: response splitting and desynchronisation by an upstream with wrong or broken responses. Nothing outside the
 * grammar may reach a client, and no byte of one response may become part of another.
 */
import { describe, expect, test } from 'bun:test'
import type { Socket } from 'node:net'
import { cannedUpstream, limitedRoom, OK, rawClient, rawUpstream, startGateway, until } from '../testing.ts'

const ASK = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
const NONE = 'gateway_upstream_request_duration_seconds_count{upstream="dogs",http_response_status_code="0"}'

describe('a response outside the grammar is a 502', () => {
  test.each([
    ['status_line', 'no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['status_line', 'another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['status_line', 'a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['status_line', 'a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['field', 'a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['field', 'a bare LF between fields', 'HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\nok'],
    ['field', 'a bare CR', 'HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok'],
    ['field', 'a NUL', 'HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 2\r\n\r\nok'],
    ['field', 'obs-fold', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok'],
    ['field', 'a field without a name', 'HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 2\r\n\r\nok'],
    ['framing', 'two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
    ['framing', 'a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok'],
    ['framing', 'a signed length', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok'],
    [
      'framing',
      'length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['coding', 'another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['framing', 'chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunk', 'a first chunk that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    [
      'upgrade',
      'an upgrade without a request for it',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    ],
    ['fields_size', 'a head without end', `HTTP/1.1 200 OK\r\n${`A: ${'b'.repeat(1000)}\r\n`.repeat(70)}`],
    [
      'fields_size',
      'a head above the limit',
      `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(65_536)}\r\nContent-Length: 0\r\n\r\n`,
    ],
    ['fields_size', 'more fields than the limit', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(257)}\r\n`],
    ['interim', 'endless interim responses', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)],
  ])('%s: %s', async (rule, _, response) => {
    using upstream = await cannedUpstream(response)
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK)
    const received = await client.until(/\}$/)
    expect(received.replaceAll(/HTTP\/1\.1 103 Early Hints\r\n\r\n/g, '')).toStartWith(
      'HTTP/1.1 502 Bad Gateway\r\n',
    )
    expect(received).toContain('"detail":"dogs sent a response outside the grammar"')
    expect(received).not.toContain('Set-Cookie')
    expect(await gateway.counted()).toEqual({ 'GET dogs 502': 1 })
    expect(await gateway.metric(NONE)).toBe(1)
    expect(await gateway.metric(`gateway_upstream_rejections_total{upstream="dogs",reason="${rule}"}`)).toBe(
      1,
    )
    expect(await gateway.metric('gateway_upstream_rejections_total')).toBe(1)
    expect(gateway.logged()).toMatchObject([{ status: 502, reason: 'malformed', rule }])
    // The client's connection stays open, the upstream's is closed.
    while (upstream.sockets.size > 0) await new Promise(setImmediate)
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/<\/html>\s*$/)
  })
})

describe('a response that is unusual but clear passes', () => {
  test.each([
    ['without a reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'HTTP/1.1 200 \r\nContent-Length: 2'],
    ['with a status above 599', OK.replace('200 OK', '999 Odd'), 'HTTP/1.1 999 Odd\r\nContent-Length: 2'],
    ['of HTTP/1.2', OK.replace('HTTP/1.1', 'HTTP/1.2'), 'HTTP/1.1 200 OK\r\nContent-Length: 2'],
    [
      'with two equal lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b',
    ],
    [
      'with two equal lengths in another spelling',
      'HTTP/1.1 200 OK\r\nContent-Length: 02\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\nContent-Length: 2',
    ],
    [
      'with three equal lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nContent-Length: 2\r\nCONTENT-LENGTH: 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\ncontent-length: 2',
    ],
    [
      'with parameters of Connection',
      'HTTP/1.1 200 OK\r\nConnection: keep-alive; timeout=5\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\nContent-Length: 2',
    ],
    [
      'with the fields of a hop that has gone',
      'HTTP/1.0 200 OK\r\nConnection: Keep-Alive, A\r\nA: b\r\nProxy-Connection: x\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\nContent-Length: 2',
    ],
  ])('%s', async (_, response, head) => {
    using upstream = await cannedUpstream(response)
    await using gateway = startGateway(upstream.url)
    const received = await gateway.ask(ASK)
    expect(received).toStartWith(`${head}\r\nDate: `)
    expect(received.match(/content-length/gi)).toHaveLength(1)
  })

  test.each(['2 \r\n', '2\t \r\n', '2 ;a=b \r\n', '2; a="b c"\r\n', '002 \r\n'])(
    'with spaces behind the size of a chunk: %j',
    async (size) => {
      const chunks = `${size}ok\r\n${size.replace('2', '0')}\r\n`
      for (const [version, end, body] of [
        ['1.1', /0\r\n\r\n$/, `${size.trim().split(/[ ;\t]/)[0]}\r\nok\r\n0`],
        ['1.0', /ok$/, '\r\n\r\nok'],
      ] as const) {
        using upstream = await cannedUpstream(
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
        )
        await using gateway = startGateway(upstream.url)
        const response = await gateway.ask(ASK.replace('1.1', version), end)
        expect(response).toStartWith('HTTP/1.1 200 OK\r\n')
        expect(response).toContain(body)
        expect(response).not.toMatch(/[ \t;]\r\n/)
      }
    },
  )

  test.each([['2 x\r\nok'], [`2${' '.repeat(5000)}\r\nok`], [' 2\r\nok'], ['2 \nok'], ['2 2\r\nok']])(
    'but not with anything else there: %j',
    async (chunk) => {
      using upstream = await cannedUpstream(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`)
      await using gateway = startGateway(upstream.url)
      expect(await gateway.ask(ASK, /\}$/)).toStartWith('HTTP/1.1 502 ')
    },
  )

  test('with a Connection that is no list, after which the connection is not used again', async () => {
    using upstream = await cannedUpstream(OK.replace('\r\n\r\n', '\r\nConnection: "keep-alive"\r\n\r\n'))
    await using gateway = startGateway(upstream.url)
    for (let i = 0; i < 2; i++) expect(await gateway.ask(ASK)).not.toContain('Connection')
    expect(upstream.connections()).toBe(2)
  })

  test('with 120 cookies, and up to the limits', async () => {
    const cookies = Array.from({ length: 120 }, (_, i) => `Set-Cookie: c${i}=1\r\n`).join('')
    using upstream = await cannedUpstream(OK.replace('\r\n\r\n', `\r\n${cookies}\r\n`))
    await using gateway = startGateway(upstream.url)
    expect((await gateway.ask(ASK)).match(/Set-Cookie/g)).toHaveLength(120)
  })

  test.each([
    [102_400, 256, 200],
    [102_399, 256, 502],
    [102_400, 2, 502],
  ])('a head of 100 KiB with limits of %d bytes and %d fields: %d', async (bytes, count, status) => {
    const head = (padding: number) =>
      `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: ${'b'.repeat(30_000)}\r\nB: ${'b'.repeat(padding)}\r\n\r\n`
    using upstream = await cannedUpstream(`${head(102_400 - head(0).length)}ok`)
    const limits = { responseHeadersBytes: bytes, responseHeadersCount: count }
    await using gateway = startGateway(upstream.url, { limits })
    expect(await gateway.ask(ASK, /ok$|\}$/)).toStartWith(`HTTP/1.1 ${status} `)
  })
})

describe('on one connection', () => {
  test('responses that come in pieces follow each other', async () => {
    const response = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    using upstream = await rawUpstream(async (_, socket) => {
      socket.setNoDelay(true)
      for (const piece of [response.slice(0, 5), response.slice(5, 37), response.slice(37)]) {
        socket.write(piece)
        for (let i = 0; i < 5; i++) await new Promise(setImmediate)
      }
    })
    await using gateway = startGateway(upstream.url)
    for (let i = 0; i < 5; i++) expect(await gateway.ask(ASK)).toStartWith('HTTP/1.1 200 OK\r\n')
    expect(upstream.connections()).toBe(1)
  })

  test('the interim responses of each request are counted alone', async () => {
    using upstream = await cannedUpstream('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(16) + OK)
    await using gateway = startGateway(upstream.url)
    for (let i = 0; i < 3; i++) expect((await gateway.ask(ASK)).match(/ 103 /g)).toHaveLength(16)
    expect(upstream.connections()).toBe(1)
  })
})

test('a space before the colon is removed from a response', async () => {
  using upstream = await cannedUpstream('HTTP/1.1 200 OK\r\nA : b\r\nContent-Length \t: 2\r\n\r\nok')
  await using gateway = startGateway(upstream.url)
  const response = await gateway.ask(ASK)
  expect(response).toContain('\r\nA: b\r\n')
  expect(response).toContain('\r\nContent-Length: 2\r\n')
})

describe('bytes without a request', () => {
  const SPLIT = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
  test.each([
    ['behind a length', 'GET', OK + SPLIT, 'ok'],
    [
      'behind the last chunk',
      'GET',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${SPLIT}`,
      '0\r\n\r\n',
    ],
    ['behind the response to HEAD', 'HEAD', OK, '\r\n\r\n'],
    ['behind a 204', 'GET', `HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok`, '\r\n\r\n'],
    ['behind a 304', 'GET', `HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok`, '\r\n\r\n'],
  ])('%s reach no client, and their connection is not used again', async (_, method, response, end) => {
    using upstream = await cannedUpstream(response)
    await using gateway = startGateway(upstream.url)
    const ask = `${method} /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n`
    using client = await rawClient(gateway.port, ask)
    const first = await client.until(/\r\n\r\n/)
    while (upstream.sockets.size > 0) await new Promise(setImmediate)
    client.socket.write(ask)
    while (upstream.heads.length < 2) await new Promise(setImmediate)
    const all = await client.until(/(HTTP[^]*?\r\n\r\n[^]*){2}$/)
    expect(all).toEndWith(end)
    expect(all).not.toContain('poison')
    expect(first.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(all.match(/HTTP\/1\.1 /g)).toHaveLength(2)
  })

  test('on an idle connection close it', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    await gateway.ask()
    for (const socket of upstream.sockets) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison')
    while (upstream.sockets.size > 0) await new Promise(setImmediate)
    expect(await gateway.ask()).toEndWith('ok')
  })
})

describe('a response that is broken off is broken off for the client', () => {
  const end = (socket: Socket) => void socket.end()
  const reset = (socket: Socket) => void socket.resetAndDestroy()
  test.each([
    ['before its length', '1.1', 'Content-Length: 10\r\n\r\nhalf', end],
    ['before its length by a reset', '1.1', 'Content-Length: 10\r\n\r\nhalf', reset],
    ['before its last chunk', '1.1', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', end],
    ['in a chunk', '1.1', 'Transfer-Encoding: chunked\r\n\r\n9\r\nhalf', end],
    [
      'by a malformed chunk',
      '1.1',
      'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
      (socket: Socket) => void socket.write('zz\r\n'),
    ],
    ['by a reset, without framing', '1.1', '\r\nhalf', reset],
    ['by a reset, without framing, in HTTP/1.0', '1.0', '\r\nhalf', reset],
  ])('%s (HTTP/%s)', async (_, version, rest, breakOff) => {
    using upstream = await rawUpstream((_, socket) => socket.write(`HTTP/1.1 200 OK\r\n${rest}`))
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, `GET /dogs/ HTTP/${version}\r\nHost: a\r\n\r\n`)
    await client.until(/half/)
    for (const socket of upstream.sockets) breakOff(socket)
    const received = await client.untilClosed()
    expect(received).not.toEndWith('0\r\n\r\n')
    expect(received.match(/^HTTP/gm)).toHaveLength(1)
    // Without framing only a reset tells a broken response from a whole one.
    expect(client.wasReset()).toBe(version === '1.0')
    expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
    expect(await gateway.metric('http_server_response_body_size_bytes_count{http_route="dogs"}')).toBe(1)
    expect(await gateway.metric('gateway_client_aborts_total')).toBe(0)
  })
})

describe('an upstream without a response', () => {
  test('that is down: 502, and at once for a request that is not idempotent', async () => {
    using closed = await cannedUpstream(OK)
    const { url } = closed
    closed[Symbol.dispose]()
    await using gateway = startGateway(url)
    const post = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'
    expect(await gateway.ask(post, /\}$/)).toContain('"detail":"dogs cannot be reached"')
    expect(await gateway.counted()).toEqual({ 'POST dogs 502': 1 })
    expect(await gateway.metric(NONE)).toBe(1)
    expect(await gateway.metric('gateway_upstream_attempts_total{upstream="dogs"}')).toBe(1)
    expect(await gateway.metric('gateway_upstream_connects_total{upstream="dogs",result="failed"}')).toBe(1)
    expect(
      await gateway.metric('http_server_exceptions_total{http_route="dogs",error_type="UpstreamFailure"}'),
    ).toBe(1)
  })

  test('on a socket that does not exist: 502', async () => {
    await using gateway = startGateway('unix:/nowhere/dogs.sock')
    const text = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf'
    expect(await gateway.ask(text, /\}$/)).toStartWith('HTTP/1.1 502 ')
    expect(await gateway.metric('http_server_active_requests')).toBe(0)
  })

  test.each([
    ['hangs up', (socket: Socket) => void socket.end()],
    ['resets', (socket: Socket) => void socket.resetAndDestroy()],
    ['hangs up in the middle of the head', (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\nA')],
  ])('that %s: 502', async (_, hangUp) => {
    using upstream = await rawUpstream((_, socket) => hangUp(socket))
    await using gateway = startGateway(upstream.url)
    const post = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'
    expect(await gateway.ask(post, /\}$/)).toContain(
      '"detail":"dogs closed the connection before it answered"',
    )
    expect(await gateway.counted()).toEqual({ 'POST dogs 502': 1 })
  })

  test('in time: 504, and its connection is closed', async () => {
    const asked = Promise.withResolvers<void>()
    using upstream = await rawUpstream(() => asked.resolve())
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK)
    await asked.promise
    gateway.advance(34_000)
    expect(upstream.sockets.size).toBe(1)
    gateway.advance(1100)
    expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 504 Gateway Timeout\r\n')
    while (upstream.sockets.size > 0) await new Promise(setImmediate)
    expect(await gateway.counted()).toEqual({ 'GET dogs 504': 1 })
    expect(await gateway.metric('gateway_client_aborts_total')).toBe(0)
  })

  test('in time after the last byte of the request: 504', async () => {
    let seen = ''
    using upstream = await rawUpstream((received) => (seen = received))
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf',
    )
    await until(() => seen.endsWith('half'))
    gateway.advance(29_000)
    client.socket.write('rest')
    await until(() => seen.endsWith('rest'))
    gateway.advance(34_000)
    expect(client.received()).toBe('')
    gateway.advance(1100)
    expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 504 ')
  })

  test.each<[string, string, 'stays' | 'closes', (gateway: ReturnType<typeof startGateway>) => void]>([
    ['a whole request', 'Content-Length: 0\r\n\r\n', 'stays', () => {}],
    ['one with Connection: close', 'Connection: close\r\nContent-Length: 0\r\n\r\n', 'closes', () => {}],
    ['one whose body is not whole', 'Content-Length: 1\r\n\r\n', 'closes', () => {}],
    ['a lame duck', 'Content-Length: 0\r\n\r\n', 'closes', ({ server }) => server.lameDuck()],
    [
      'a client that has closed its half',
      'Content-Length: 0\r\n\r\n',
      'closes',
      ({ server }) => [...server.gateway.clients][0]!.onEnd(),
    ],
  ])('for %s with %j: the connection to the client %s', async (_, rest, end, before) => {
    using upstream = await rawUpstream(() => {})
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, `POST /dogs/ HTTP/1.1\r\nHost: a\r\n${rest}`, {
      allowHalfOpen: true,
    })
    await until(() => upstream.sockets.size === 1)
    before(gateway)
    for (const socket of upstream.sockets) socket.destroy()
    const response = await client.until(/\}$/)
    expect(response).toContain('HTTP/1.1 502 ')
    expect(response.includes('\r\nConnection: close\r\n')).toBe(end === 'closes')
  })

  test('to HEAD: an error has no body', async () => {
    const ask = 'HEAD /dogs/ HTTP/1.1\r\nHost: a\r\n'
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    await using gateway = startGateway('http://127.0.0.1:1', { upstream: { maxTunnels: 0 } })
    const received = await gateway.ask(`${ask}${upgrade}${ask}${upgrade}`, /(HTTP[^]*?\r\n\r\n){2}$/)
    expect(received.match(/HTTP\/1\.1 503 /g)).toHaveLength(2)
    expect(received).not.toContain('{')
  })

  test('that stops reading the request: a response without framing is broken off, not ended', async () => {
    using _ = limitedRoom('upstreams', 1000)
    using upstream = await rawUpstream((__, socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\nhalf'))
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      `POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n${'x'.repeat(5000)}`,
    )
    await client.until(/half\r\n$/)
    gateway.advance(30_100)
    expect(await client.untilClosed()).toEndWith('half\r\n')
  })

  test('whose head comes in time may take any time for the rest', async () => {
    using upstream = await rawUpstream((_, socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwo'),
    )
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK)
    await client.until(/wo$/)
    gateway.advance(600_000)
    for (const socket of upstream.sockets) socket.write('of')
    await client.until(/woof$/)
  })
})

test('an early response passes, and both connections close: the end of the request is unknown', async () => {
  using upstream = await rawUpstream((_, socket) => socket.write(OK))
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(
    gateway.port,
    'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf',
  )
  const response = await client.until(/ok$/)
  expect(response).toContain('\r\nConnection: close\r\n')
  while (upstream.sockets.size > 0) await new Promise(setImmediate)
  // The rest of the body is not a request.
  client.socket.write('GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n')
  client.socket.end()
  expect(await client.untilClosed()).toEndWith('ok')
  expect(await gateway.counted()).toEqual({ 'POST dogs 200': 1 })
})
