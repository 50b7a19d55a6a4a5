/** A request without a free connection or a ready target waits: in order, for a limited time, in a bounded queue. */
import { describe, expect, spyOn, test } from 'bun:test'
import { join } from 'node:path'
import {
  namedUpstream,
  OK,
  rawClient,
  rawUpstream,
  startGateway,
  temporaryFolder,
  until,
} from '../testing.ts'

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
const POST = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody'

const waiting = ({ server }: ReturnType<typeof startGateway>) => server.gateway.upstreams[0]!.waiting

describe('while all connections are in use', () => {
  test('requests wait in order, also those that are not idempotent', async () => {
    const asked: string[] = []
    using upstream = await rawUpstream((received) => {
      asked.push(received.slice(received.lastIndexOf(' /') + 2, received.lastIndexOf(' HTTP')))
    })
    await using gateway = startGateway(upstream.url, { upstream: { maxConnections: 1 } })
    using clients = new DisposableStack()
    for (const [i, text] of [GET, POST, GET].entries()) {
      clients.use(await rawClient(gateway.port, text.replace('/dogs/', `/dogs/${i}`)))
      await until(() => (i === 0 ? asked.length === 1 : waiting(gateway) === i))
    }
    gateway.advance(1)
    expect(await gateway.metric('gateway_upstream_queue_length')).toBe(2)
    while (asked.length < 3) {
      const before = asked.length
      for (const socket of upstream.sockets) socket.write(OK)
      await until(() => asked.length > before)
    }
    expect(asked).toEqual(['dogs/0', 'dogs/1', 'dogs/2'])
    expect(upstream.connections()).toBe(1)
    expect(await gateway.metric('gateway_upstream_queue_seconds_count')).toBe(2)
  })

  test.each([GET, POST])('no pipelined request overtakes one that waits: %j', async (next) => {
    const asked: string[] = []
    using upstream = await rawUpstream((received, socket) => {
      asked.push(received.slice(received.lastIndexOf(' /') + 7, received.lastIndexOf(' HTTP')))
      if (asked.length > 1) socket.write(OK)
    })
    await using gateway = startGateway(upstream.url, { upstream: { maxConnections: 1 } })
    const named = (text: string, name: string) => text.replace('/dogs/', `/dogs/${name}`)
    using first = await rawClient(gateway.port, named(GET, 'first') + named(next, 'next'))
    await until(() => asked.length === 1)
    using second = await rawClient(gateway.port, named(GET, 'second'))
    await until(() => waiting(gateway) === 1)
    for (const socket of upstream.sockets) socket.write(OK)
    await Promise.all([first.until(/ok[^]*ok$/), second.until(/ok$/)])
    expect(asked).toEqual(['first', 'second', 'next'])
  })

  test('a request beyond the queue gets a 503 with Retry-After', async () => {
    using upstream = await rawUpstream(() => {})
    await using gateway = startGateway(upstream.url, { upstream: { maxConnections: 1, queue: 1 } })
    using others = new DisposableStack()
    others.use(await rawClient(gateway.port, GET))
    others.use(await rawClient(gateway.port, GET))
    await until(() => waiting(gateway) === 1)
    const response = await gateway.ask(GET, /\}$/)
    expect(response).toStartWith('HTTP/1.1 503 Service Unavailable\r\n')
    expect(response).toContain('\r\nRetry-After: 1\r\n')
    expect(response).toContain('"detail":"dogs has too many requests waiting"')
  })

  test('a request that waited too long gets a 503', async () => {
    using upstream = await rawUpstream(() => {})
    await using gateway = startGateway(upstream.url, { upstream: { maxConnections: 1, queueMs: 500 } })
    using others = new DisposableStack()
    others.use(await rawClient(gateway.port, GET))
    using second = await rawClient(gateway.port, POST)
    await until(() => waiting(gateway) === 1)
    gateway.advance(501)
    expect(await second.until(/\}$/)).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n[^]*no free connection/)
    expect(upstream.connections()).toBe(1)
  })

  test('a client that leaves is removed from the queue', async () => {
    using upstream = await rawUpstream(() => {})
    await using gateway = startGateway(upstream.url, { upstream: { maxConnections: 1 } })
    using others = new DisposableStack()
    others.use(await rawClient(gateway.port, GET))
    using second = await rawClient(gateway.port, GET)
    await until(() => waiting(gateway) === 1)
    second.socket.resetAndDestroy()
    await until(() => waiting(gateway) === 0)
    expect(await gateway.metric('gateway_client_aborts_total')).toBe(1)
    expect(await gateway.metric('gateway_upstream_queue_seconds_count')).toBe(1)
  })

  test('a large body waits with its client, and arrives whole', async () => {
    const bodies: number[] = []
    using upstream = await rawUpstream((received, socket) => {
      const length = received.length - received.lastIndexOf('\r\n\r\n') - 4
      if (received.includes('PUT') && length < 3_000_000) return
      if (received.includes('PUT')) socket.write(OK)
      bodies.push(length)
    })
    await using gateway = startGateway(upstream.url, { upstream: { maxConnections: 1 } })
    using first = await rawClient(gateway.port, GET)
    await until(() => bodies.length === 1)
    const body = Buffer.alloc(3_000_000, 'x')
    const head = `PUT /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`
    using second = await rawClient(gateway.port, Buffer.concat([Buffer.from(head), body]))
    await until(() => waiting(gateway) === 1)
    for (const socket of upstream.sockets) socket.write(OK)
    await Promise.all([first.until(/ok$/), second.until(/ok$/)])
    expect(bodies.at(-1)).toBe(body.length)
  })
})

describe('while no target is ready', () => {
  test('idempotent requests wait, and others get a 503', async () => {
    using folder = temporaryFolder()
    await using gateway = startGateway(`unix:${folder.path}/dogs.*.sock`)
    using client = await rawClient(gateway.port, GET)
    await until(() => waiting(gateway) === 1)
    const refused = await gateway.ask(POST, /\}$/)
    expect(refused).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n[^]*"dogs has no target that is ready"/)
    using others = new DisposableStack()
    others.use(await namedUpstream('first', { unix: join(folder.path, 'dogs.a.1.sock') }))
    await client.until(/first$/)
    expect(await gateway.ask(GET, /first$/)).toContain('200 OK')
  })

  test.each([
    ['dogs.*.sock', 'before', 0],
    ['dogs.*.sock', 'in vain', 2],
    ['dogs.1.sock', 'before', 0],
    ['dogs.1.sock', 'in vain', 2],
  ])('requests for %s keep their order, tried %s', async (pattern, _, sweeps) => {
    using folder = temporaryFolder()
    await using gateway = startGateway(`unix:${folder.path}/${pattern}`)
    using clients = new DisposableStack()
    const all: { until(pattern: RegExp): Promise<string> }[] = []
    // Requests that wait may be served by now: the gateway sweeps in real time, too.
    const ask = async (name: string, isServing = () => false) => {
      const size = waiting(gateway)
      all.push(clients.use(await rawClient(gateway.port, GET.replace('/dogs/', `/dogs/${name}`))))
      await until(() => waiting(gateway) === size + 1 || isServing())
    }
    for (const name of ['1', '2', '3']) await ask(name)
    for (let i = 0; i < sweeps; i++) {
      gateway.advance(100)
      await until(() => waiting(gateway) === 3)
    }
    using upstream = await namedUpstream('ok', { unix: `${folder.path}/dogs.1.sock` })
    if (sweeps === 0 && pattern === 'dogs.1.sock') await ask('4', () => upstream.asked.length > 0)
    gateway.advance(1001)
    await Promise.all(all.map((client) => client.until(/ok$/)))
    const asked = upstream.asked.map((text) => text.split(' ')[1])
    expect(asked).toEqual(all.map((__, i) => `/dogs/${i + 1}`))
  })

  test('one request tries a target, and the others follow', async () => {
    using folder = temporaryFolder()
    const unix = join(folder.path, 'dogs.sock')
    await using gateway = startGateway(`unix:${unix}`)
    using clients = new DisposableStack()
    const all = []
    for (let i = 0; i < 20; i++) all.push(clients.use(await rawClient(gateway.port, GET)))
    await until(() => waiting(gateway) === 20)
    // The gateway sweeps in real time, too.
    using sweep = spyOn(gateway.server.gateway.upstreams[0]!, 'sweep')
    const failed = 'gateway_upstream_connects_total{upstream="dogs",result="failed"}'
    const before = await gateway.metric(failed)
    gateway.advance(100)
    await until(() => waiting(gateway) === 20)
    expect((await gateway.metric(failed)) - before).toBeWithin(1, sweep.mock.calls.length + 1)
    using upstream = await namedUpstream('first', { unix })
    gateway.advance(100)
    await Promise.all(all.map((client) => client.until(/first$/)))
    expect(upstream.asked).toHaveLength(20)
  })

  test('waiting requests share the connections that are still open, one after the other', async () => {
    using upstream = await namedUpstream('first')
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask(GET, /first$/)).toContain('200 OK')
    upstream.stopListening()
    using clients = new DisposableStack()
    const all = []
    // One request for each sweep would take too long.
    for (let i = 0; i < 200; i++) all.push(clients.use(await rawClient(gateway.port, GET)))
    for (const client of all) expect(await client.until(/(first|\})$/)).toContain('200 OK')
    expect(upstream.connections()).toBe(1)
  })

  test.each(['dogs.sock', 'dogs.*.sock'])('they do not wait for ever: 503 for %s', async (name) => {
    await using gateway = startGateway(`unix:/nowhere/${name}`, { upstream: { queueMs: 500 } })
    using client = await rawClient(gateway.port, GET)
    await until(() => waiting(gateway) === 1)
    for (let ms = 0; ms <= 500; ms += 100) {
      gateway.advance(100)
      await until(() => waiting(gateway) === 1 || client.received() !== '')
    }
    expect(await client.until(/\}$/)).toMatch(
      /^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n[^]*"dogs has no target that is ready"/,
    )
    expect(await gateway.counted()).toEqual({ 'GET dogs 503': 1 })
  })
})
