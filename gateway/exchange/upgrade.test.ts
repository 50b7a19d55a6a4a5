/**
 * Attack: upgrade abuse. A tunnel bypasses every rule, so it opens only if client and upstream agree on the same
 * protocol, and never for one that carries requests (h2c).
 */
import { describe, expect, test } from 'bun:test'
import { cannedUpstream, OK, rawClient, rawUpstream, startGateway } from '../testing.ts'

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
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/dogs/ws`)
  socket.binaryType = 'arraybuffer'
  const echoes = [new Uint8Array([1, 2, 3]), new Uint8Array(20_000_000).fill(7)]
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
  using second = await rawClient(gateway.port, UPGRADE)
  await second.until(/hello$/)
  second.socket.destroy()
  while (upstream.sockets.size > 0) await new Promise(setImmediate)
})

test('a client that half-closes a tunnel gets the rest, and is closed if it has left', async () => {
  using upstream = await rawUpstream(
    (received, socket) => {
      if (received.endsWith('\r\n\r\n')) socket.write(SWITCHED)
      socket.on('end', () => socket.write('late'))
    },
    { allowHalfOpen: true },
  )
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, UPGRADE, { allowHalfOpen: true })
  await client.until(/\r\n\r\n$/)
  client.socket.end()
  await client.until(/late$/)
  gateway.advance(30_100)
  while (upstream.sockets.size > 0) await new Promise(setImmediate)
})

test('bytes that a client sends before the response go into the tunnel, or are the next request', async () => {
  let seen = ''
  using upstream = await rawUpstream((received, socket) => {
    seen = received
    if (seen.endsWith('\r\n\r\n')) socket.write(SWITCHED)
    if (seen.endsWith('early')) socket.write('!')
  })
  await using gateway = startGateway(upstream.url)
  await gateway.ask(`${UPGRADE}early`, /!$/)
  expect(seen).toEndWith('\r\n\r\nearly')

  using refusing = await cannedUpstream(OK)
  await using other = startGateway(refusing.url)
  await other.ask(`${UPGRADE}GET /dogs/2 HTTP/1.1\r\nHost: a\r\n\r\n`, /ok[^]*ok$/)
  expect(refusing.heads).toHaveLength(2)
})

describe('no tunnel opens', () => {
  const request = (connection: string, upgrade: string, rest = '\r\n', version = '1.1') =>
    `GET /dogs/ HTTP/${version}\r\nHost: a\r\n${connection}${upgrade}${rest}`
  const CONNECTION = 'Connection: Upgrade\r\n'
  test.each([
    ['for h2c', request(CONNECTION, 'Upgrade: h2c\r\nHTTP2-Settings: AA\r\n')],
    ['for h2c among others', request(CONNECTION, 'Upgrade: websocket, h2c\r\n')],
    ['for HTTP/2.0', request(CONNECTION, 'Upgrade: HTTP/2.0\r\n')],
    ['that Connection does not name', request('', 'Upgrade: websocket\r\n')],
    ['without a protocol', request(CONNECTION, '')],
    ['for two protocols', request(CONNECTION, 'Upgrade: websocket\r\nUpgrade: other\r\n')],
    ['from HTTP/1.0', request(CONNECTION, 'Upgrade: websocket\r\n', '\r\n', '1.0')],
    ['behind a body', request(CONNECTION, 'Upgrade: websocket\r\n', 'Content-Length: 1\r\n\r\nx')],
    [
      'behind chunks',
      request(CONNECTION, 'Upgrade: websocket\r\n', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ],
  ])('%s: the upstream gets no Upgrade, and cannot open one', async (_, text) => {
    using upstream = await cannedUpstream(SWITCHED)
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask(text, /\}$/)).toStartWith('HTTP/1.1 502 ')
    expect(upstream.heads[0]).not.toMatch(/^upgrade:/im)
  })

  test.each([
    ['to another protocol', SWITCHED.replace('websocket', 'other')],
    ['without naming it', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n'],
    ['without Connection', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
  ])('%s: 502', async (_, response) => {
    using upstream = await cannedUpstream(response)
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask(UPGRADE, /\}$/)).toStartWith('HTTP/1.1 502 ')
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
    expect(await gateway.ask(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`, /\}$/)).toStartWith('HTTP/1.1 405 ')
    expect(upstream.heads).toEqual([])
  })
})
