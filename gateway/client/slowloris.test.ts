/**
 * Attack: slowloris. Clients send a head or body, or read a response, just fast enough not to look idle, until there is
 * no room for other clients. Timeouts are absolute or depend on progress, and all waiting is bounded.
 */
import { describe, expect, test } from 'bun:test'
import { cannedUpstream, OK, rawClient, rawUpstream, startGateway } from '../testing.ts'

const ASK = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

/** Waits until the gateway has read the client's bytes: no other sign shows it. */
async function untilReceived(gateway: ReturnType<typeof startGateway>, bytes: number): Promise<void> {
  while ((await gateway.metric('gateway_received_bytes_total')) < bytes) await new Promise(setImmediate)
}

/** Bytes that the sockets' buffers take before back-pressure begins. */
const MOST_BYTES = 50_000_000

/** Advances the clock without progress until a timeout strikes. */
async function untilStalled(gateway: ReturnType<typeof startGateway>, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    gateway.advance(100)
    await new Promise(setImmediate)
  }
}

describe('a head that does not end', () => {
  test('gets a 408 after an absolute time, however often a byte comes', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    const begin = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n'
    using client = await rawClient(gateway.port, begin)
    await untilReceived(gateway, begin.length)
    for (let sent = 1; sent <= 9; sent++) {
      gateway.advance(1000)
      client.socket.write('A')
      await untilReceived(gateway, begin.length + sent)
    }
    expect(client.received()).toBe('')
    gateway.advance(1100)
    const response = await client.untilClosed(() => client.socket.end())
    expect(response).toStartWith('HTTP/1.1 408 Request Timeout\r\n')
    expect(response).toContain('\r\nConnection: close\r\n')
    expect(await gateway.metric('gateway_rejections_total{reason="head_timeout"}')).toBe(1)
    expect(await gateway.ask()).toEndWith('ok')
  })

  test.each([
    ['a line without end', 414, 'line_length', `GET /dogs/${'a'.repeat(8200)}`],
    ['a long line', 414, 'line_length', `GET /dogs/${'a'.repeat(8200)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['a field without end', 431, 'fields_size', `GET /dogs/ HTTP/1.1\r\nHost: a\r\nA: ${'a'.repeat(33_000)}`],
    [
      'large fields',
      431,
      'fields_size',
      `GET /dogs/ HTTP/1.1\r\nHost: a\r\nA: ${'a'.repeat(33_000)}\r\n\r\n`,
    ],
    ['101 fields', 431, 'fields_size', `GET /dogs/ HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(100)}\r\n`],
    ['another protocol', 400, 'request_line', '\x16\x03\x01\x02\0\x01'],
  ])('%s: %d at once', async (_, status, reason, text) => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, text)
    expect(await client.untilClosed(() => client.socket.end())).toStartWith(`HTTP/1.1 ${status} `)
    expect(await gateway.metric(`gateway_rejections_total{reason="${reason}"}`)).toBe(1)
    expect(await gateway.ask()).toEndWith('ok')
    expect(upstream.heads).toHaveLength(1)
  })

  test('that came in two parts leaves the next one the idle time to begin, and all of its own', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    const begin = ASK.slice(0, 9)
    using client = await rawClient(gateway.port, begin)
    await untilReceived(gateway, begin.length)
    client.socket.write(ASK.slice(9))
    await client.until(/ok$/)
    gateway.advance(74_900)
    client.socket.write(begin)
    await untilReceived(gateway, ASK.length + begin.length)
    gateway.advance(9900)
    client.socket.write(ASK.slice(9))
    expect(await client.until(/ok[^]*(ok|\})$/)).toEndWith('ok')
    gateway.advance(74_900)
    expect(gateway.server.connections()).toBe(1)
    gateway.advance(200)
    expect(gateway.server.connections()).toBe(0)
  })

  test('that never begins is cut off after the idle time', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    using client = await rawClient(gateway.port, '')
    while (gateway.server.gateway.clients.size === 0) await new Promise(setImmediate)
    gateway.advance(74_000)
    expect(gateway.server.connections()).toBe(1)
    gateway.advance(1100)
    expect(await client.untilClosed()).toBe('')
  })
})

describe('a body', () => {
  test('that stalls gets a 408, and its upstream connection is closed', async () => {
    const begun = Promise.withResolvers<void>()
    using upstream = await rawUpstream(() => begun.resolve())
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf',
    )
    await begun.promise
    gateway.advance(30_100)
    expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 408 ')
    while (upstream.sockets.size > 0) await new Promise(setImmediate)
    expect(await gateway.counted()).toEqual({ 'POST dogs 408': 1 })
  })

  test('that comes slowly but surely is not the upstream’s fault', async () => {
    using upstream = await rawUpstream((received, socket) => {
      if (received.endsWith('12345')) socket.write(OK)
    })
    await using gateway = startGateway(upstream.url)
    const head = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n'
    using client = await rawClient(gateway.port, head)
    while ((await gateway.metric('gateway_upstream_connects_total')) === 0) await new Promise(setImmediate)
    for (const digit of '12345') {
      gateway.advance(29_000)
      client.socket.write(digit)
      await untilReceived(gateway, head.length + Number(digit))
    }
    expect(await client.until(/ok$/)).toStartWith('HTTP/1.1 200 OK')
  })

  test('that has come slowly gets its response in time, or a 504', async () => {
    let seen = ''
    using upstream = await rawUpstream((received) => void (seen = received))
    await using gateway = startGateway(upstream.url)
    const head = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n'
    using client = await rawClient(gateway.port, `${head}1`)
    while (!seen.endsWith('1')) await new Promise(setImmediate)
    gateway.advance(29_000)
    client.socket.write('2')
    while (!seen.endsWith('12')) await new Promise(setImmediate)
    gateway.advance(35_000)
    expect(client.received()).toBe('')
    gateway.advance(1)
    expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 504 ')
  })

  test.each([
    ['a declared length', 'Content-Length: 11\r\n\r\nhello'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n'],
  ])('with %s above the limit is rejected: 413', async (_, rest) => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url, { limits: { bodyBytes: 10 } })
    using client = await rawClient(gateway.port, `POST /dogs/ HTTP/1.1\r\nHost: a\r\n${rest}`)
    expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 413 ')
    expect(upstream.heads).toEqual([])
  })

  test('of exactly the limit passes', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url, { limits: { bodyBytes: 5 } })
    expect(await gateway.ask('POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello')).toEndWith(
      'ok',
    )
  })
})

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

test.each([
  ['its response', ASK, 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n'],
  ['its tunnel', ASK.replace('\r\n\r\n', `\r\n${UPGRADE}`), `HTTP/1.1 101 Switching Protocols\r\n${UPGRADE}`],
])('a client that does not read %s is reset, and its upstream connection closed', async (_, ask, head) => {
  using upstream = await rawUpstream((__, socket) => {
    socket.write(head)
    const piece = Buffer.alloc(1_000_000)
    const fill = () => {
      while (!socket.destroyed && socket.write(piece));
    }
    socket.on('drain', fill)
    fill()
  })
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, '')
  client.socket.pause()
  client.socket.write(ask)
  while ((await gateway.metric('gateway_sent_bytes_total')) === 0) await new Promise(setImmediate)
  await untilStalled(gateway, () => upstream.sockets.size === 0)
  expect(await gateway.metric('gateway_sent_bytes_total')).toBeLessThan(MOST_BYTES)
  expect(gateway.server.connections()).toBe(0)
  expect(await gateway.metric('gateway_client_aborts_total')).toBe(1)
})

test('an upstream that does not read a body times out, and back-pressure stops the client until then', async () => {
  using upstream = await rawUpstream(() => {}, { pauseOnConnect: true })
  await using gateway = startGateway(upstream.url, { limits: { bodyBytes: 1_000_000_000 } })
  using client = await rawClient(
    gateway.port,
    'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 900000000\r\n\r\n',
  )
  while ((await gateway.metric('gateway_upstream_connects_total')) === 0) await new Promise(setImmediate)
  client.socket.write(Buffer.alloc(200_000_000))
  await untilStalled(gateway, () => client.received() !== '')
  expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 504 ')
  expect(await gateway.metric('gateway_received_bytes_total')).toBeLessThan(MOST_BYTES)
})

describe('a flood of connections', () => {
  test('leaves room for the next client once it is over', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url, { limits: { connections: 50 } })
    const flood = await Promise.all(Array.from({ length: 50 }, () => rawClient(gateway.port, 'GET /')))
    while (gateway.server.gateway.clients.size < 50) await new Promise(setImmediate)
    using turnedAway = await rawClient(gateway.port, ASK)
    const response = await turnedAway.untilClosed()
    expect(response).toStartWith('HTTP/1.1 503 Service Unavailable\r\n')
    expect(response).toContain('\r\nRetry-After: 1\r\n')
    expect(await gateway.metric('gateway_rejections_total{reason="connections"}')).toBe(1)
    for (const client of flood) client.socket.destroy()
    while (gateway.server.connections() > 0) await new Promise(setImmediate)
    expect(await gateway.ask()).toEndWith('ok')
  })
})
