/** Connections to targets: which are kept, how they end, and that none is left behind. */
import { describe, expect, spyOn, test } from 'bun:test'
import { rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import {
  limitedRoom,
  namedUpstream,
  OK,
  rawClient,
  rawUpstream,
  startGateway,
  temporaryFolder,
  until,
} from '../testing.ts'
import { Health } from './health.ts'
import { UpstreamConnection } from './upstream_connection.ts'

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

/** Opens so many connections at once, which become idle. */
async function keep(
  gateway: ReturnType<typeof startGateway>,
  upstream: Awaited<ReturnType<typeof namedUpstream>>,
  count: number,
): Promise<void> {
  using clients = new DisposableStack()
  upstream.state.does = 'nothing'
  for (let i = 0; i < count; i++) clients.use(await rawClient(gateway.port, GET))
  await until(() => upstream.sockets.size === count && upstream.asked.length === count)
  for (const socket of upstream.sockets) socket.write(upstream.response)
  await until(() => gateway.server.gateway.upstreams[0]!.idleConnections === count)
  upstream.state.does = 'respond'
}

describe('idle connections', () => {
  test('are used the last one first, so that surplus ones are closed', async () => {
    using upstream = await namedUpstream('first')
    await using gateway = startGateway(upstream.url)
    await keep(gateway, upstream, 3)
    for (let i = 0; i < 5; i++) {
      gateway.advance(300)
      await gateway.ask(GET, /first$/)
    }
    expect(gateway.server.gateway.upstreams[0]!.idleConnections).toBe(1)
    await until(() => upstream.sockets.size === 1)
    expect(upstream.connections()).toBe(3)
  })

  test('of a target that vanishes are all closed', async () => {
    using folder = temporaryFolder()
    const unix = join(folder.path, 'dogs.1.sock')
    using upstream = await namedUpstream('first', { unix })
    await using gateway = startGateway(`unix:${folder.path}/dogs.*.sock`, { timeouts: { poolIdleMs: 1e9 } })
    await keep(gateway, upstream, 3)
    rmSync(unix)
    gateway.advance(1001)
    await until(() => upstream.sockets.size === 0)
  })

  test('are forgotten once they are closed', async () => {
    using upstream = await namedUpstream('first')
    await using gateway = startGateway(upstream.url)
    await keep(gateway, upstream, 2)
    gateway.advance(1001)
    await until(() => upstream.sockets.size === 0)
    using onDeadline = spyOn(UpstreamConnection.prototype, 'onDeadline')
    gateway.advance(10_000)
    expect(onDeadline).not.toHaveBeenCalled()
  })
})

test.each([
  ['in the middle of a request', false, 'reset'],
  ['while it is idle', true, 'end'],
])('a connection that the gateway closes %s (idle: %p) sees: %s', async (_, isIdle, expected) => {
  const seen: string[] = []
  using upstream = await rawUpstream(
    (__, socket) => {
      socket.on('end', () => seen.push('end'))
      socket.on('error', () => seen.push('reset'))
      if (isIdle) socket.write(OK)
    },
    { allowHalfOpen: true },
  )
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, GET)
  await until(() => upstream.sockets.size === 1)
  if (isIdle) {
    await client.until(/ok$/)
    gateway.advance(1100)
  } else client.socket.destroy()
  await until(() => seen.length > 0)
  expect(seen).toEqual([expected])
})

test('a client that leaves while its connection is being opened leaves none behind', async () => {
  using upstream = await rawUpstream(() => {})
  await using gateway = startGateway(upstream.url)
  using _ = await rawClient(gateway.port, '')
  await until(() => gateway.server.connections() === 1)
  for (const client of gateway.server.gateway.clients) {
    client.onData(Buffer.from(GET))
    client.reset()
  }
  await until(() => upstream.connections() === 1)
  await until(() => upstream.sockets.size === 0)
  expect(await gateway.metric('gateway_upstream_connects_total{upstream="dogs",result="ok"}')).toBe(0)
})

test('a request that waits for a connection to a target that vanishes gets a 503 in time', async () => {
  using folder = temporaryFolder()
  const unix = join(folder.path, 'dogs.1.sock')
  using upstream = await namedUpstream('first', { unix })
  upstream.state.does = 'nothing'
  await using gateway = startGateway(`unix:${folder.path}/dogs.*.sock`, {
    upstream: { maxConnections: 1, queueMs: 5000 },
  })
  using first = await rawClient(gateway.port, GET)
  await until(() => upstream.asked.length === 1)
  using second = await rawClient(gateway.port, GET)
  const [dogs] = gateway.server.gateway.upstreams
  await until(() => dogs!.waiting === 1)
  rmSync(unix)
  gateway.advance(1001)
  for (const socket of upstream.sockets) socket.write(upstream.response)
  await first.until(/first$/)
  await until(() => upstream.sockets.size === 0)
  gateway.advance(5001)
  expect(await second.until(/\}$/)).toContain('HTTP/1.1 503 ')
})

describe('an upstream that reads slowly', () => {
  /** A gateway whose connection to its upstream has room for so many bytes. */
  async function slow(room: number, request: string) {
    const stack = new AsyncDisposableStack()
    const upstreams = stack.use(limitedRoom('upstreams', room))
    const opened = stack.use(spyOn(UpstreamConnection.prototype, 'onOpen'))
    let seen = ''
    const sockets: Socket[] = []
    const upstream = stack.use(
      await rawUpstream(
        (received, socket) => {
          if (seen === '') sockets.push(socket.on('end', () => socket.end('bye')))
          seen = received
        },
        { allowHalfOpen: true },
      ),
    )
    const gateway = stack.use(startGateway(upstream.url))
    const client = stack.use(await rawClient(gateway.port, request, { allowHalfOpen: true }))
    await until(() => sockets.length === 1)
    const connection = opened.mock.contexts[0] as UpstreamConnection
    return Object.assign(stack, { upstreams, upstream, gateway, client, connection, seen: () => seen })
  }

  test('gets all of the request in any time, and the client waits meanwhile', async () => {
    const body = 'x'.repeat(8_000_000)
    const head = `POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`
    await using all = await slow(1000, head + body)
    const { gateway, upstreams, connection } = all
    await until(() => connection.out.isBlocked)
    const read = () => gateway.metric('gateway_received_bytes_total')
    let before = -1
    while (before !== (await read())) {
      before = await read()
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    }
    for (let i = 0; i < 5; i++) {
      gateway.advance(29_000)
      upstreams.room = 1000
      connection.onDrain()
      for (let n = 0; n < 20; n++) await new Promise(setImmediate)
    }
    expect(await read()).toBe(before)
    upstreams.room = Infinity
    connection.onDrain()
    await until(() => all.seen().length >= body.length + head.length)
    for (const socket of all.upstream.sockets) socket.write(OK)
    expect(await all.client.until(/ok$|\}$/)).toEndWith('ok')
  })

  test('of a tunnel gets all bytes before the end of the client’s half', async () => {
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const early = 'x'.repeat(5000)
    await using all = await slow(1000, GET.replace('\r\n\r\n', `\r\n${upgrade}${early}`))
    all.client.socket.end()
    await all.client.until(/102 Processing/)
    for (const socket of all.upstream.sockets) socket.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}`)
    await until(() => all.connection.out.isBlocked)
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    expect(all.client.received()).not.toContain('bye')
    all.upstreams.room = Infinity
    all.connection.onDrain()
    await all.client.until(/bye$/)
    expect(all.seen()).toEndWith(early)
  })
})

describe('checks', () => {
  const health = { path: '/healthz', intervalMs: 1000, timeoutMs: 60_000, passes: 2, fails: 3 }

  test('come one interval after the last one has ended', async () => {
    let checks = 0
    using upstream = await rawUpstream(() => void checks++)
    await using gateway = startGateway(upstream.url, { upstream: { health } })
    gateway.advance(999)
    for (let n = 0; n < 20; n++) await new Promise(setImmediate)
    for (let i = 1; i <= 3; i++) {
      expect(checks).toBe(i - 1)
      gateway.advance(1)
      await until(() => checks === i)
      // No other check begins while this one waits.
      gateway.advance(5000)
      for (const socket of upstream.sockets) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      await until(() => upstream.sockets.size === 0)
      for (let n = 0; n < 20; n++) await new Promise(setImmediate)
      gateway.advance(999)
      for (let n = 0; n < 20; n++) await new Promise(setImmediate)
    }
    expect(checks).toBe(3)
  })

  test('move the requests of a target when it is ejected, not before', async () => {
    const count = { checks: 0, held: 0 }
    using first = await rawUpstream((received, socket) => {
      if (!received.includes('/healthz')) return void count.held++
      count.checks++
      socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    })
    using second = await rawUpstream((_, socket) => void socket.write(OK))
    await using gateway = startGateway([first.url, second.url], {
      upstream: { health },
      timeouts: { responseHeaderMs: 1e9 },
    })
    using clients = new DisposableStack()
    let client = clients.use(await rawClient(gateway.port, GET))
    const isHeld = () => count.held > 0
    await until(() => isHeld() || client.received() !== '')
    while (!isHeld()) {
      client = clients.use(await rawClient(gateway.port, GET))
      await until(() => isHeld() || client.received() !== '')
    }
    for (let i = 1; i <= 3; i++) {
      expect(client.received()).toBe('')
      while (count.checks < i) {
        gateway.advance(100)
        await new Promise(setImmediate)
      }
      for (let n = 0; n < 50; n++) await new Promise(setImmediate)
    }
    while (client.received() === '') {
      gateway.advance(100)
      await new Promise(setImmediate)
    }
    expect(await client.until(/ok$|\}$/)).toStartWith('HTTP/1.1 200 OK')
  })

  test('that an ejected target passes leave its requests in place', async () => {
    const held: Socket[] = []
    const asks = async (received: string, socket: Socket) => {
      if (received.includes('/healthz')) socket.end('HTTP/1.1 204 No Content\r\n\r\n')
      else if (received.includes('/held')) held.push(socket)
      else socket.destroy()
    }
    using first = await rawUpstream(asks)
    using second = await rawUpstream(asks)
    await using gateway = startGateway([first.url, second.url], {
      upstream: { health: { ...health, intervalMs: 300 } },
    })
    using clients = new DisposableStack()
    const ask = async (path: string) =>
      clients.use(await rawClient(gateway.port, GET.replace('/dogs/', path)))
    // One in each: the target with fewer requests is picked.
    const waiting = [await ask('/dogs/held'), await ask('/dogs/held')]
    await until(() => held.length === 2)
    while (gateway.server.gateway.upstreams[0]!.states.ejected === 0) await (await ask('/dogs/')).until(/\}$/)
    using checked = spyOn(Health.prototype, 'checked')
    gateway.advance(300)
    await until(() => checked.mock.calls.length === 2)
    expect(checked.mock.calls.map(([isGood]) => isGood)).toEqual([true, true])
    expect(gateway.server.gateway.upstreams[0]!.states.ejected).toBe(1)
    for (const socket of held) socket.write(OK)
    for (const client of waiting) await client.until(/ok$/)
    expect(held).toHaveLength(2)
  })
})
