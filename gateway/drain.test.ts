/** Draining: a client that honours `Connection: close` loses no request. */
import { expect, spyOn, test } from 'bun:test'
import { limitedRoom, OK, rawClient, rawUpstream, startGateway, until } from './testing.ts'

const ASK = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

/** An upstream that responds when the test says so. */
async function waitingUpstream() {
  const asked = Promise.withResolvers<void>()
  const upstream = await rawUpstream(() => asked.resolve())
  return Object.assign(upstream, {
    asked: asked.promise,
    response: () => {
      for (const socket of upstream.sockets) socket.write(OK)
    },
  })
}

test('a lame duck goes on serving, and every response says `Connection: close`', async () => {
  using upstream = await rawUpstream((_, socket) => socket.write(OK))
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, ASK)
  await client.until(/ok$/)
  gateway.server.lameDuck()
  client.socket.write(ASK)
  expect(await client.untilClosed()).toContain('\r\nConnection: close\r\n')
  expect(await gateway.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n', /<\/html>/)).toContain(
    '\r\nConnection: close\r\n',
  )
})

test('an error of an upstream says `Connection: close`, too', async () => {
  await using gateway = startGateway('http://127.0.0.1:1')
  gateway.server.lameDuck()
  using client = await rawClient(gateway.port, ASK.replace('GET', 'POST'))
  expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 502 [^]*\r\nConnection: close\r\n/)
})

test('a request in flight gets its response, and the port is free at once', async () => {
  using upstream = await waitingUpstream()
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, ASK)
  await upstream.asked
  const stopped = gateway.server.stop(false)
  expect(await refused(gateway.port)).toBe(true)
  upstream.response()
  expect(await client.untilClosed()).toMatch(/Connection: close\r\n\r\nok$/)
  await stopped
  // The connection that was kept for further requests.
  await until(() => upstream.sockets.size === 0)
})

test('an idle connection may send one more request, and is closed if it stays silent', async () => {
  using upstream = await rawUpstream((_, socket) => socket.write(OK))
  await using gateway = startGateway(upstream.url)
  using busy = await rawClient(gateway.port, ASK)
  using silent = await rawClient(gateway.port, ASK)
  await Promise.all([busy.until(/ok$/), silent.until(/ok$/)])
  const stopped = gateway.server.stop(false)
  gateway.advance(1900)
  expect(gateway.server.connections()).toBe(2)
  busy.socket.write(ASK)
  expect(await busy.untilClosed()).toMatch(/Connection: close\r\n\r\nok$/)
  gateway.advance(200)
  expect(await silent.untilClosed()).toEndWith('ok')
  await stopped
})

test('a request that has begun is read to its end', async () => {
  using upstream = await rawUpstream((_, socket) => socket.write(OK))
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, ASK.slice(0, 8))
  await until(() => [...gateway.server.gateway.clients][0]?.state === 'reading')
  const stopped = gateway.server.stop(false)
  gateway.advance(2100)
  client.socket.write(ASK.slice(8))
  expect(await client.untilClosed()).toMatch(/Connection: close\r\n\r\nok$/)
  await stopped
})

test('a client that reads slowly gets its whole reply', async () => {
  using clients = limitedRoom('clients', 10)
  await using gateway = startGateway('http://127.0.0.1:1')
  using client = await rawClient(gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const connection = () => [...gateway.server.gateway.clients][0]
  await until(() => connection()?.out.isBlocked === true)
  const stopped = gateway.server.stop(false)
  gateway.advance(2100)
  expect(gateway.server.connections()).toBe(1)
  clients.room = Infinity
  connection()!.onDrain()
  gateway.advance(2100)
  expect(await client.untilClosed()).toMatch(/<\/html>\s*$/)
  await stopped
})

test('tunnels are no requests in flight', async () => {
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  using upstream = await rawUpstream((_, socket) =>
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}`),
  )
  await using gateway = startGateway(upstream.url)
  using tunnel = await rawClient(gateway.port, ASK.replace('\r\n\r\n', `\r\n${upgrade}`))
  await tunnel.until(/\r\n\r\n$/)
  using _ = await rawClient(gateway.port, '')
  await until(() => gateway.server.connections() === 2)
  expect(gateway.server.inFlight()).toBe(1)
})

test('the last lines of the access log are written', async () => {
  using upstream = await rawUpstream((_, socket) => socket.write(OK))
  await using gateway = startGateway(upstream.url, { accessLog: 'all' })
  using write = spyOn(gateway.server.gateway.accessLog, 'write')
  await gateway.ask()
  await until(() => gateway.server.connections() === 0)
  await gateway.server.stop(false)
  expect(write.mock.calls.join()).toContain('"route":"dogs"')
})

test('force resets all connections', async () => {
  using upstream = await waitingUpstream()
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, ASK)
  await upstream.asked
  await gateway.server.stop(true)
  await client.untilClosed()
  expect(gateway.server.connections()).toBe(0)
  while (upstream.sockets.size > 0) await new Promise(setImmediate)
})

async function refused(port: number): Promise<boolean> {
  using client = await rawClient(port, '')
  await client.untilClosed()
  return true
}
