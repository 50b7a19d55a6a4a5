/**
 * Attack: upgrade abuse. A tunnel bypasses every rule, so it opens only if client and upstream agree on the same
 * protocol, and never for one that carries requests (h2c).
 */
import { describe, expect, spyOn, test } from 'bun:test'
import type { Socket } from 'node:net'
import { Target } from '../upstream/target.ts'
import { cannedUpstream, limitedRoom, OK, rawClient, rawUpstream, startGateway, until } from '../testing.ts'

/** Set by client/attacks_over_tls.test.ts. */
const { GATEWAY_TESTS_TLS } = Bun.env
const CA = GATEWAY_TESTS_TLS && (await Bun.file(`${GATEWAY_TESTS_TLS}/ca.pem`).text())

const UPGRADE =
  'GET /dogs/ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n'
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

test('WebSockets pass, both ways, of any size', async () => {
  await using upstream = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, server) => (server.upgrade(request) ? undefined : new Response('no', { status: 400 })),
    websocket: { maxPayloadLength: 64_000_000, message: (socket, message) => void socket.send(message) },
  })
  await using gateway = startGateway(`http://127.0.0.1:${upstream.port}`)
  const socket = new WebSocket(`${CA === undefined ? 'ws' : 'wss'}://127.0.0.1:${gateway.port}/dogs/ws`, {
    tls: { ca: CA, checkServerIdentity: () => undefined },
  } as unknown as string[])
  socket.binaryType = 'arraybuffer'
  const echoes = [new Uint8Array([1, 2, 3]), new Uint8Array(5_000_000).fill(7)]
  for (const sent of echoes) {
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    socket.addEventListener('message', ({ data }) => resolve(new Uint8Array(data)), { once: true })
    if (socket.readyState === WebSocket.CONNECTING) {
      await new Promise((open) => socket.addEventListener('open', open, { once: true }))
    }
    socket.send(sent)
    expect(Bun.hash(await promise)).toBe(Bun.hash(sent))
  }
  expect(await gateway.counted()).toEqual({ 'GET dogs 101': 1 })
  // A tunnel may be silent for any time.
  gateway.advance(10_000_000)
  expect(gateway.server.connections()).toBe(1)
  socket.close()
  while (gateway.server.connections() > 0) await new Promise(setImmediate)
}, 30_000)

test('a client sends no more into a tunnel than the upstream takes', async () => {
  // For the head and a few bytes.
  using _ = limitedRoom('upstreams', 1000)
  using upstream = await cannedUpstream(SWITCHED)
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, UPGRADE)
  await client.until(/\r\n\r\n$/)
  const sent = 4_000_000
  client.socket.write(Buffer.alloc(sent))
  const received = () => gateway.metric('gateway_received_bytes_total')
  let before = -1
  for (let quiet = 0; quiet < 5;) {
    await gateway.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n', /<\/html>\s*$/)
    const bytes = await received()
    quiet = bytes - before < 1000 ? quiet + 1 : 0
    before = bytes
  }
  // One read of the socket is at most 512 KiB.
  expect(before).toBeWithin(1000, sent / 2)
})

test('an upstream sends no more into a tunnel than the client takes, which is reset if it takes nothing', async () => {
  using _ = limitedRoom('clients', 1000)
  using upstream = await cannedUpstream(SWITCHED)
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, UPGRADE)
  await client.until(/\r\n\r\n$/)
  for (const socket of upstream.sockets) socket.write('x'.repeat(20_000_000))
  await client.until(/x$/)
  for (let i = 0; i < 100; i++) await new Promise(setImmediate)
  // One read of the socket is at most 512 KiB.
  expect(await gateway.metric('gateway_sent_bytes_total')).toBeLessThan(1_200_000)
  gateway.advance(29_000)
  expect(gateway.server.connections()).toBe(1)
  gateway.advance(1100)
  expect(gateway.server.connections()).toBe(0)
})

test('closing either side closes the other one', async () => {
  using upstream = await cannedUpstream(`${SWITCHED}hello`)
  await using gateway = startGateway(upstream.url)
  using first = await rawClient(gateway.port, UPGRADE)
  expect(await first.until(/hello$/)).toMatch(
    /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/,
  )
  for (const socket of upstream.sockets) socket.end('bye')
  expect(await first.untilClosed()).toEndWith('hellobye')
  // The bytes of a tunnel are no body.
  expect(await gateway.metric('http_server_response_body_size_bytes_sum{http_route="dogs"}')).toBe(0)
  using second = await rawClient(gateway.port, UPGRADE)
  await second.until(/hello$/)
  second.socket.destroy()
  while (upstream.sockets.size > 0) await new Promise(setImmediate)
})

test.each([
  ['that is open', true],
  ['before it opens', false],
])('a client that half-closes a tunnel %s gets the rest, and is closed if it has left', async (_, isOpen) => {
  using upstream = await rawUpstream((__, socket) => void socket.on('end', () => socket.write('late')), {
    allowHalfOpen: true,
  })
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, UPGRADE, { allowHalfOpen: true })
  await until(() => upstream.sockets.size === 1)
  const open = () => upstream.sockets.values().next().value!.write(SWITCHED)
  if (isOpen) {
    open()
    await client.until(/\r\n\r\n$/)
  }
  client.socket.end()
  await until(gateway.hasHalfClosed)
  if (!isOpen) open()
  await client.until(/late$/)
  gateway.advance(30_100)
  while (upstream.sockets.size > 0) await new Promise(setImmediate)
})

test('bytes that a client sends before the response go into the tunnel, or are the next request', async () => {
  let seen = ''
  using upstream = await rawUpstream((received, socket) => {
    seen = received
    if (seen.endsWith('\r\n\r\n')) socket.write(SWITCHED)
    if (/early|late$/.test(seen)) socket.write('!')
  })
  await using gateway = startGateway(upstream.url)
  // More than is read ahead, so that the client is paused until the tunnel opens.
  const early = `${'x'.repeat(200_000)}early`
  using client = await rawClient(gateway.port, UPGRADE + early, { allowHalfOpen: true })
  await client.until(/!$/)
  client.socket.write('late')
  await until(() => seen.endsWith('late'))
  expect(seen).toEndWith(`\r\n\r\n${early}late`)
  // None of them is left that the gateway would wait for.
  for (const socket of upstream.sockets) socket.end()
  await until(() => gateway.server.connections() === 0)

  using refusing = await cannedUpstream(OK)
  await using other = startGateway(refusing.url)
  await other.ask(`${UPGRADE}GET /dogs/2 HTTP/1.1\r\nHost: a\r\n\r\n`, /ok[^]*ok$/)
  expect(refusing.heads).toHaveLength(2)
})

describe('a tunnel opens', () => {
  const head = (fields: string) => `POST /dogs/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${fields}`
  const switched = (fields: string) => `HTTP/1.1 101 Switching Protocols\r\n${fields}\r\nhello`
  test.each([
    [
      'with a length of 0',
      'Upgrade: websocket\r\nContent-Length: 0\r\n\r\n',
      'websocket',
      'Connection: Upgrade\r\n',
    ],
    ['behind a body', 'Upgrade: tcp\r\nContent-Length: 4\r\n\r\nbody', 'tcp', 'Connection: Upgrade\r\n'],
    [
      'behind chunks',
      'Upgrade: tcp\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
      'tcp',
      'Connection: Upgrade\r\n',
    ],
    ['without Connection in the response', 'Upgrade: websocket\r\n\r\n', 'websocket', ''],
    ['for one of a list', 'Upgrade: x/1.0, y\r\nUpgrade: z\r\n\r\n', 'Y', 'Connection: upgrade\r\n'],
    ['for two of a list', 'Upgrade: x/1.0, y\r\n\r\n', 'y, X/1.0', 'Connection: upgrade\r\n'],
    ['without the version', 'Upgrade: x/1.0, y/2\r\n\r\n', 'y', 'Connection: upgrade\r\n'],
    ['with a version', 'Upgrade: x, y\r\n\r\n', 'x/3', 'Connection: upgrade\r\n'],
  ])('%s', async (_, fields, protocol, connection) => {
    const response = switched(`${connection}Upgrade: ${protocol}\r\n`)
    using upstream = await rawUpstream((received, socket) => {
      if (/(\r\n\r\n|body)$/.test(received)) socket.write(response)
    })
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask(head(fields), /hello$|\}$/)).toBe(
      switched(`Connection: Upgrade\r\nUpgrade: ${protocol}\r\nDate: ${new Date().toUTCString()}\r\n`),
    )
  })

  test('without the protocols that carry requests', async () => {
    using upstream = await cannedUpstream(`${SWITCHED}hello`)
    await using gateway = startGateway(upstream.url)
    await gateway.ask(head('Upgrade: h2c, websocket, HTTP/2.0\r\n\r\n'), /hello$/)
    expect(upstream.heads[0]!.split('\r\n')).toContain('Upgrade: websocket')
  })

  test('only after the whole request: 502', async () => {
    using upstream = await cannedUpstream(SWITCHED)
    await using gateway = startGateway(upstream.url)
    const half = head('Upgrade: websocket\r\nContent-Length: 4\r\n\r\nbo')
    expect(await gateway.ask(half, /\}$/)).toStartWith('HTTP/1.1 502 ')
  })
})

describe('tunnels have limits of their own', () => {
  const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
  const both = () =>
    rawUpstream((received, socket) => {
      if (received.endsWith('\r\n\r\n')) socket.write(/^upgrade/im.test(received) ? `${SWITCHED}hello` : OK)
    })

  test('they are not connections in use', async () => {
    using upstream = await both()
    await using gateway = startGateway(upstream.url, { upstream: { maxConnections: 2, maxTunnels: 3 } })
    using clients = new DisposableStack()
    for (let i = 0; i < 3; i++) await clients.use(await rawClient(gateway.port, UPGRADE)).until(/hello$/)
    expect(await gateway.ask(GET)).toEndWith('ok')
    gateway.advance(1)
    expect(await gateway.metric('gateway_upstream_connections{upstream="dogs",state="tunnel"}')).toBe(3)
    const oneMore = await gateway.ask(UPGRADE, /\}$/)
    expect(oneMore).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n[^]*"dogs has too many tunnels"/)
    clients.dispose()
    while (gateway.server.gateway.upstreams[0]!.tunnels > 0) await new Promise(setImmediate)
    expect(await gateway.ask(UPGRADE, /hello$/)).toStartWith('HTTP/1.1 101 ')
  })

  test('a waiting request gets the place of a connection that becomes a tunnel', async () => {
    using upstream = await both()
    await using gateway = startGateway(upstream.url, { upstream: { maxConnections: 1 } })
    using tunnel = await rawClient(gateway.port, UPGRADE)
    expect(await gateway.ask(GET)).toEndWith('ok')
    await tunnel.until(/hello$/)
  })

  test('two that open at once do not pass the limit', async () => {
    const sockets: Socket[] = []
    using upstream = await rawUpstream((_, socket) => void sockets.push(socket))
    await using gateway = startGateway(upstream.url, { upstream: { maxTunnels: 1 } })
    using first = await rawClient(gateway.port, UPGRADE)
    using second = await rawClient(gateway.port, UPGRADE)
    await until(() => sockets.length === 2)
    for (const socket of sockets) socket.write(`${SWITCHED}hello`)
    await until(() => `${first.received()}${second.received()}`.includes('too many tunnels'))
    expect([first.received(), second.received()].filter((text) => text.endsWith('hello'))).toHaveLength(1)
    await until(() => upstream.sockets.size === 1)
  })

  test('one without a byte is a success of its target, and is closed after its time', async () => {
    using succeeded = spyOn(Target.prototype, 'succeeded')
    using upstream = await cannedUpstream(SWITCHED)
    await using gateway = startGateway(upstream.url, { timeouts: { tunnelIdleMs: 1000 } })
    using client = await rawClient(gateway.port, UPGRADE)
    await client.until(/\r\n\r\n$/)
    expect(succeeded).toHaveBeenCalledTimes(1)
    gateway.advance(1000)
    expect(gateway.server.connections()).toBe(1)
    gateway.advance(1)
    await client.untilClosed()
  })

  test('a silent one is closed after its time, one with traffic in either direction is not', async () => {
    let up = ''
    using upstream = await rawUpstream((received, socket) => {
      up = received
      if (received.endsWith('\r\n\r\n')) socket.write(`${SWITCHED}hello`)
    })
    await using gateway = startGateway(upstream.url, { timeouts: { tunnelIdleMs: 1000 } })
    using client = await rawClient(gateway.port, UPGRADE)
    await client.until(/hello$/)
    for (let i = 1; i <= 3; i++) {
      gateway.advance(900)
      client.socket.write('up')
      await until(() => up.endsWith('up'.repeat(i)))
      gateway.advance(900)
      for (const socket of upstream.sockets) socket.write('down')
      await client.until(new RegExp(`(down){${i}}$`))
    }
    gateway.advance(1001)
    await client.untilClosed()
    await until(() => upstream.sockets.size === 0)
  })
})

test('the kernel probes silent TCP connections on both sides', async () => {
  using upstream = await cannedUpstream(`${SWITCHED}hello`)
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, UPGRADE)
  await client.until(/hello$/)
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  const table = (await Bun.file('/proc/net/tcp').text()).split('\n').map((line) => line.trim().split(/\s+/))
  // The sixth column begins with 02 if the keep-alive timer runs, and has its rest in hundredths of a second.
  const secondsToProbe = (local: number, remote: number) => {
    const [, , , , , timer = ''] = table.find(
      ([, from = '', to = '']) => from.endsWith(`:${hex(local)}`) && to.endsWith(`:${hex(remote)}`),
    )!
    return timer.startsWith('02:') ? parseInt(timer.slice(3), 16) / 100 : Infinity
  }
  expect(secondsToProbe(gateway.port, client.socket.localPort!)).toBeWithin(1, 31)
  const [target] = upstream.sockets
  expect(secondsToProbe(target!.remotePort!, target!.localPort!)).toBeWithin(1, 31)
})

describe('no tunnel opens', () => {
  const request = (connection: string, upgrade: string, rest = '\r\n', version = '1.1') =>
    `GET /dogs/ HTTP/${version}\r\nHost: a\r\n${connection}${upgrade}${rest}`
  const CONNECTION = 'Connection: Upgrade\r\n'
  test.each([
    ['for h2c', request(CONNECTION, 'Upgrade: h2c\r\nHTTP2-Settings: AA\r\n')],
    ['for HTTP alone', request(CONNECTION, 'Upgrade: h2, HTTP/3, TLS/1.0\r\n')],
    ['for a malformed list', request(CONNECTION, 'Upgrade: web socket, x\r\n')],
    ['for HTTP/2.0', request(CONNECTION, 'Upgrade: HTTP/2.0\r\n')],
    ['that Connection does not name', request('', 'Upgrade: websocket\r\n')],
    ['without a protocol', request(CONNECTION, '')],
    ['from HTTP/1.0', request(CONNECTION, 'Upgrade: websocket\r\n', '\r\n', '1.0')],
  ])('%s: the upstream gets no Upgrade, and cannot open one', async (_, text) => {
    using upstream = await cannedUpstream(SWITCHED)
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask(text, /\}$/)).toStartWith('HTTP/1.1 502 ')
    expect(upstream.heads[0]).not.toMatch(/^upgrade:/im)
  })

  test.each<[string, string, string?]>([
    ['to another protocol', SWITCHED.replace('websocket', 'other')],
    ['without naming it', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n'],
    ['to one more protocol', SWITCHED.replace('websocket', 'websocket, other')],
    ['to a longer name', SWITCHED.replace('websocket', 'websockets')],
    ['to another version', SWITCHED.replace('websocket', 'websocket/2'), 'websocket/1'],
    ['to HTTP', SWITCHED.replace('websocket', 'h2c'), 'websocket, h2c'],
  ])('%s: 502', async (_, response, offered = 'websocket') => {
    using upstream = await cannedUpstream(response)
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask(UPGRADE.replace('websocket', offered), /\}$/)).toStartWith('HTTP/1.1 502 ')
  })

  test.each([
    ['Upgrade: websocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
    ['Upgrade: h2c, x/1', 'Connection: Upgrade\r\nUpgrade: x/1\r\n'],
    ['Upgrade: HTTP/2.0', ''],
  ])('if the upstream asks for one, which the client learns: 426 with %s', async (field, expected) => {
    using upstream = await cannedUpstream(
      `HTTP/1.1 426 Upgrade Required\r\n${field}\r\nContent-Length: 2\r\n\r\nno`,
    )
    await using gateway = startGateway(upstream.url)
    const response = await gateway.ask(undefined, /no$/)
    expect(response.replace(/Date: .*\r\n/, '')).toBe(
      `HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n${expected}\r\nno`,
    )
  })

  test('if the upstream declines: its response passes, and the connection goes on as HTTP', async () => {
    using upstream = await cannedUpstream('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, UPGRADE)
    await client.until(/no$/)
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/<\/html>\s*$/)
  })

  test.each(['CONNECT a:443', 'CONNECT /dogs/', 'TRACE /dogs/'])('by %s: 405', async (line) => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    const response = await gateway.ask(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`, /\}$/)
    expect(response).toStartWith('HTTP/1.1 405 ')
    expect(response).toContain('\r\nAllow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n')
    expect(upstream.heads).toEqual([])
  })
})
