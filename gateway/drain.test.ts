/** How a gateway ends: no client loses a request that it could not know to be one too many. */
import { expect, test } from 'bun:test'
import { OK, rawClient, rawUpstream, startGateway } from './testing.ts'

const ASK = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

/** An upstream that answers when it is told to. */
async function waitingUpstream() {
  const asked = Promise.withResolvers<void>()
  const upstream = await rawUpstream(() => asked.resolve())
  return Object.assign(upstream, {
    asked: asked.promise,
    answer: () => {
      for (const socket of upstream.sockets) socket.write(OK)
    },
  })
}

test('a lame duck serves on, and says in every answer that it is the last', async () => {
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

test('a request in flight is answered, the port is free at once', async () => {
  using upstream = await waitingUpstream()
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, ASK)
  await upstream.asked
  const stopped = gateway.server.stop(false)
  expect(await refused(gateway.port)).toBe(true)
  upstream.answer()
  expect(await client.untilClosed()).toMatch(/Connection: close\r\n\r\nok$/)
  await stopped
})

test('an idle connection may ask once more, and is closed when it has been silent', async () => {
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

test('force cuts everything', async () => {
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
