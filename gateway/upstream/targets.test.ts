/** Requests go to all targets evenly, and to none that is ejected or removed. */
import { describe, expect, spyOn, test } from 'bun:test'
import dns from 'node:dns/promises'
import { renameSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { EJECT_AFTER } from './health.ts'
import { alternativesOf } from '../config/address.ts'
import { addressesIn } from './discovery.ts'
import { Target } from './target.ts'
import { namedUpstream, rawClient, rawUpstream, startGateway, temporaryFolder, until } from '../testing.ts'

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
const RESPONSE = /(first|second)$/

const statesOf = ({ server }: ReturnType<typeof startGateway>) => server.gateway.upstreams[0]!.states
const targetsOf = (gateway: ReturnType<typeof startGateway>) =>
  Object.values(statesOf(gateway)).reduce((sum, count) => sum + count, 0)

describe('the sockets in a folder', () => {
  test('are targets as long as they exist, and no other file is one', async () => {
    using folder = temporaryFolder()
    const path = (name: string) => join(folder.path, name)
    using first = await namedUpstream('first', { unix: path('dogs.host.1.sock') })
    using others = new DisposableStack()
    others.use(await namedUpstream('private', { unix: path('.dogs.host.2') }))
    others.use(await namedUpstream('cats', { unix: path('cats.host.1.sock') }))
    await Bun.write(path('dogs.host.9.sock'), 'no socket')
    await using gateway = startGateway(`unix:${path('dogs.*.sock')}`)
    expect(targetsOf(gateway)).toBe(1)
    using second = await namedUpstream('second', { unix: path('dogs.host.2.sock') })
    await until(() => targetsOf(gateway) === 2)
    while (first.asked.length === 0 || second.asked.length === 0)
      expect(await gateway.ask(GET, /\w$/)).toMatch(RESPONSE)

    // Not the second socket: of two changes of one name within a millisecond `fs.watch` reports only the first.
    rmSync(path('dogs.host.1.sock'))
    await until(() => targetsOf(gateway) === 1)
    const before = first.asked.length
    for (let i = 0; i < 20; i++) expect(await gateway.ask(GET, RESPONSE)).toEndWith('second')
    expect(first.asked).toHaveLength(before)
  })

  test('that replace another one are new targets, and the old one finishes its requests', async () => {
    using folder = temporaryFolder()
    const unix = join(folder.path, 'dogs.host.1.sock')
    using first = await namedUpstream('first', { unix })
    first.state.does = 'nothing'
    await using gateway = startGateway(`unix:${join(folder.path, 'dogs.*.sock')}`)
    using client = await rawClient(gateway.port, GET)
    await until(() => first.asked.length === 1)
    const before = statesOf(gateway)
    using others = new DisposableStack()
    others.use(await namedUpstream('second', { unix: join(folder.path, '.second') }))
    renameSync(join(folder.path, '.second'), unix)
    await until(() => statesOf(gateway).slow_start === 1)
    expect(before).toEqual({ healthy: 1, ejected: 0, slow_start: 0 })
    expect(await gateway.ask(GET, RESPONSE)).toEndWith('second')
    for (const socket of first.sockets) socket.write(first.response)
    expect(await client.until(RESPONSE)).toEndWith('first')
    await until(() => first.sockets.size === 0)
    // Then it is forgotten.
    gateway.advance(1)
    using sweep = spyOn(Target.prototype, 'sweep')
    gateway.advance(1)
    expect(sweep).toHaveBeenCalledTimes(1)
  })

  test('are found in a folder that is created later', async () => {
    using folder = temporaryFolder()
    const later = join(folder.path, 'later')
    await using gateway = startGateway(`unix:${later}/dogs.*.sock`)
    await Bun.$`mkdir ${later}`
    using others = new DisposableStack()
    others.use(await namedUpstream('first', { unix: join(later, 'dogs.1.sock') }))
    gateway.advance(1001)
    expect(await gateway.ask(GET, RESPONSE)).toEndWith('first')
    renameSync(later, join(folder.path, 'away'))
    gateway.advance(1001)
    expect(targetsOf(gateway)).toBe(0)
  })
})

test('a lookup that fails or finds nothing removes no target, and one that finds others does', async () => {
  using first = await namedUpstream('first')
  using lookup = spyOn(dns, 'lookup')
  const found = (...addresses: string[]) =>
    lookup.mockImplementation((async () => addresses.map((address) => ({ address, family: 4 }))) as never)
  found('127.0.0.1')
  await using gateway = startGateway(first.url.replace('127.0.0.1', 'dogs.test'))
  await gateway.server.hasTargets
  const [dogs] = gateway.server.gateway.upstreams
  found()
  await dogs!.discover()
  lookup.mockImplementation((() => Promise.reject(new Error('no such name'))) as never)
  await dogs!.discover()
  expect(await gateway.ask(GET, RESPONSE)).toEndWith('first')
  found('127.0.0.2', '127.0.0.3')
  await dogs!.discover()
  expect(statesOf(gateway)).toEqual({ healthy: 0, ejected: 0, slow_start: 2 })
})

test('a host name stands for its addresses', async () => {
  using first = await namedUpstream('first')
  await using gateway = startGateway(first.url.replace('127.0.0.1', 'localhost'))
  await gateway.server.hasTargets
  expect(targetsOf(gateway)).toBeGreaterThan(0)
  expect(await gateway.ask(GET, RESPONSE)).toEndWith('first')
})

test.each([
  [
    ['1.1.1.1', '::2', '2.2.2.2'],
    ['1.1.1.1 ::2', '2.2.2.2 ::2'],
  ],
  [['::2', '::1', '1.1.1.1'], ['1.1.1.1 ::1 ::2']],
  [
    ['::2', '::1'],
    ['::2', '::1'],
  ],
  [[], []],
])('a name with the addresses %p has the targets %p, each with fallbacks', (found, targets) => {
  const addresses = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  expect(addressesIn(addresses, { port: 1 }).map(([key]) => key)).toEqual(targets)
  const alternatives = addressesIn(addresses, { port: 1 }).map(([, address]) =>
    alternativesOf(address)
      .map((each) => ('unix' in each ? '' : each.hostname))
      .join(' '),
  )
  expect(alternatives).toEqual(targets)
})

test('a name whose first address refuses is served by the next one, and checked there', async () => {
  let checks = 0
  await using first = Bun.serve({
    port: 0,
    hostname: '::1',
    fetch(request) {
      if (request.url.endsWith('/healthz')) checks++
      return new Response('first')
    },
  })
  await using gateway = startGateway(`http://localhost:${first.port}`, {
    upstream: { health: { path: '/healthz', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 3 } },
  })
  for (const request of [GET, GET.replace('GET', 'POST')]) {
    expect(await gateway.ask(request, /first$|\}$/)).toStartWith('HTTP/1.1 200 ')
  }
  expect(await gateway.metric('gateway_upstream_connects_total{upstream="dogs",result="failed"}')).toBe(0)
  gateway.advance(1001)
  await until(() => checks === 1)
  expect(statesOf(gateway)).toEqual({ healthy: 1, ejected: 0, slow_start: 0 })
})

test('a name whose addresses all refuse is unreachable', async () => {
  await using gateway = startGateway('http://localhost:1')
  expect(await gateway.ask(GET.replace('GET', 'POST'), /\}$/)).toStartWith('HTTP/1.1 502 ')
})

test('an IPv6 address is a target, and is checked', async () => {
  let checks = 0
  await using first = Bun.serve({
    port: 0,
    hostname: '::1',
    fetch(request) {
      if (request.url.endsWith('/healthz')) checks++
      return new Response(`first for ${request.headers.get('host')}`)
    },
  })
  const health = { path: '/healthz', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 3 }
  await using gateway = startGateway(`http://[::1]:${first.port}`, { upstream: { health } })
  expect(await gateway.ask('GET /dogs/ HTTP/1.0\r\n\r\n', /first.*$/)).toEndWith(
    `first for [::1]:${first.port}`,
  )
  gateway.advance(1001)
  await until(() => checks === 1)
})

test('targets are looked up once a second, and not while a lookup runs', async () => {
  await using gateway = startGateway('http://127.0.0.1:1')
  await gateway.server.hasTargets
  const discover = spyOn(gateway.server.gateway.upstreams[0]!, 'discover')
  for (let i = 1; i <= 3; i++) {
    gateway.advance(999)
    expect(discover).toHaveBeenCalledTimes(i - 1)
    gateway.advance(1)
    gateway.advance(0)
    expect(discover).toHaveBeenCalledTimes(i)
    await discover.mock.results.at(-1)!.value
  }
})

test('an unknown name has no target', async () => {
  await using gateway = startGateway('http://nowhere.invalid:8001')
  await gateway.server.hasTargets
  expect(targetsOf(gateway)).toBe(0)
})

describe('checks', () => {
  const health = { path: '/healthz', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 3 }

  test('eject a target that fails them, and restore it', async () => {
    let isWell = true
    const checks: string[] = []
    const fetchAs = (name: string) => (request: Request) => {
      if (!request.url.endsWith('/healthz')) return new Response(name)
      checks.push(name)
      return new Response(null, { status: name === 'first' || isWell ? 200 : 503 })
    }
    await using first = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: fetchAs('first') })
    await using second = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: fetchAs('second') })
    const targets = [first, second].map(({ port }) => `http://127.0.0.1:${port}`)
    await using gateway = startGateway(targets, { upstream: { health } })
    using said = spyOn(gateway.server.gateway.log, 'info')
    const untilOneIs = async (state: 'ejected' | 'slow_start') => {
      while (statesOf(gateway)[state] === 0) {
        gateway.advance(100)
        await new Promise(setImmediate)
      }
    }
    // Targets that pass stay healthy.
    while (checks.length < 10) {
      gateway.advance(100)
      await new Promise(setImmediate)
    }
    expect(statesOf(gateway)).toEqual({ healthy: 2, ejected: 0, slow_start: 0 })
    isWell = false
    await untilOneIs('ejected')
    for (let i = 0; i < 20; i++) expect(await gateway.ask(GET, RESPONSE)).toEndWith('first')
    isWell = true
    await untilOneIs('slow_start')
    let response = ''
    while (!response.endsWith('second')) response = await gateway.ask(GET, RESPONSE)
    for (let i = 0; i < 10; i++) gateway.advance(600)
    // Each change of the state has one line.
    const name = targets[1]!.slice('http://'.length)
    expect(said.mock.calls.map(([, text]) => text)).toEqual(
      ['ejected', 'slow_start', 'healthy'].map((state) => `target dogs/${name}: ${state}`),
    )
  })

  test.each<[number[] | undefined, number, 'healthy' | 'ejected']>([
    [undefined, 299, 'healthy'],
    [undefined, 302, 'ejected'],
    [[200, 204, 302], 302, 'healthy'],
    [[200, 204, 302], 201, 'ejected'],
  ])('that expect %p find a target with status %d %s', async (expected, status, state) => {
    const checks: number[] = []
    await using first = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch(request) {
        if (request.url.endsWith('/elsewhere')) return new Response()
        checks.push(status)
        return new Response(null, { status, headers: { Location: '/elsewhere' } })
      },
    })
    using second = await namedUpstream('second')
    const rule = { ...health, fails: 1, ...(expected === undefined ? {} : { expect: expected }) }
    await using gateway = startGateway([`http://127.0.0.1:${first.port}`, second.url], {
      upstream: { health: rule },
    })
    const isEjected = () => statesOf(gateway).ejected === 1
    // The third check shows that the second one had no consequence.
    while (checks.length < 3 && !isEjected()) {
      gateway.advance(1001)
      await new Promise(setImmediate)
    }
    expect(isEjected()).toBe(state === 'ejected')
  })

  /** A client whose request hangs in the first of two targets, which failed checks have ejected. */
  async function hung(request: string) {
    const using = new AsyncDisposableStack()
    const first = using.use(await namedUpstream('first'))
    const second = using.use(await namedUpstream('second'))
    first.state.does = 'nothing'
    const gateway = using.use(
      startGateway([first.url, second.url], {
        // Once, so that the time can be long enough for the healthy target on a busy machine.
        upstream: { health: { ...health, timeoutMs: 1000, fails: 1 } },
        // Checks take real time, while the test advances the clock.
        timeouts: { responseHeaderMs: 1e9 },
      }),
    )
    let client = using.use(await rawClient(gateway.port, request))
    const isHeld = () => first.asked.length > 0
    await until(() => isHeld() || client.received() !== '')
    while (!isHeld()) {
      client = using.use(await rawClient(gateway.port, request))
      await until(() => isHeld() || client.received() !== '')
    }
    while (statesOf(gateway).ejected === 0) {
      gateway.advance(100)
      await Bun.sleep(5)
    }
    return Object.assign(using, { first, second, gateway, client })
  }
  const moved = 'gateway_upstream_retries_total{upstream="dogs",reason="answer_timeout"}'

  test('that time out move an idempotent request to another target', async () => {
    await using all = await hung(GET)
    expect(await all.client.until(RESPONSE)).toEndWith('second')
    expect(await all.gateway.metric(moved)).toBe(1)
    const withoutResponse =
      'gateway_upstream_request_duration_seconds_count{upstream="dogs",http_response_status_code="0"}'
    expect(await all.gateway.metric(withoutResponse)).toBe(1)
    await until(() => all.first.sockets.size === 0)
  })

  test('that time out leave a POST in place', async () => {
    await using all = await hung('POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody')
    const posts = () => all.second.asked.filter((asked) => asked.startsWith('POST')).length
    const before = posts()
    expect(await all.gateway.metric(moved)).toBe(0)
    for (const socket of all.first.sockets) socket.write(all.first.response)
    expect(await all.client.until(RESPONSE)).toEndWith('first')
    expect(posts()).toBe(before)
  })
})

describe('a response that breaks off', () => {
  const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf'

  test.each([
    ['before its length', LENGTH, 'end'],
    ['before its last chunk', CHUNKED, 'end'],
    ['by a reset', 'HTTP/1.1 200 OK\r\n\r\nhalf', 'resetAndDestroy'],
  ] as const)('%s counts against its target like none', async (_, response, ends) => {
    let broken = 0
    using first = await rawUpstream((_, socket) => {
      broken++
      socket.write(response, () => socket[ends]())
    })
    using second = await namedUpstream('second')
    await using gateway = startGateway([first.url, second.url])
    while (statesOf(gateway).ejected === 0) {
      using client = await rawClient(gateway.port, GET)
      await Promise.race([client.untilClosed(), client.until(RESPONSE)])
    }
    expect(broken).toBe(EJECT_AFTER)
    for (let i = 0; i < 20; i++) expect(await gateway.ask(GET, RESPONSE)).toEndWith('second')
  })

  test('at its allowed end is a success', async () => {
    const whole = (_: string, socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nfirst')
    using one = await rawUpstream(whole)
    using other = await rawUpstream(whole)
    await using gateway = startGateway([one.url, other.url])
    for (let i = 0; i < 20; i++) expect(await gateway.ask(GET, /0\r\n\r\n$|\}$/)).toContain('first')
    expect(statesOf(gateway)).toMatchObject({ healthy: 2 })
  })
})

test.each([
  ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok', /ok$/],
  ['that ends with its connection', 'HTTP/1.1 200 OK\r\n\r\nok', /0\r\n\r\n$/],
])('failures with a response between them eject no target: one %s', async (_, response, end) => {
  // Each target fails two requests and responds to the third, again and again.
  const failing = () => {
    let asked = 0
    return rawUpstream(
      (__, socket) => void (++asked % EJECT_AFTER === 0 ? socket.end(response) : socket.destroy()),
    )
  }
  using first = await failing()
  using second = await failing()
  await using gateway = startGateway([first.url, second.url])
  const post = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'
  let responses = 0
  for (let i = 0; i < 8 * EJECT_AFTER; i++) {
    using client = await rawClient(gateway.port, post)
    const received = await Promise.race([client.until(end), client.until(/\}$/)])
    if (received.startsWith('HTTP/1.1 200 ')) responses++
  }
  expect(responses).toBeGreaterThan(EJECT_AFTER)
  expect(statesOf(gateway)).toMatchObject({ healthy: 2, ejected: 0 })
})

describe('a request without a response', () => {
  test('on a new connection ejects its target after some in a row', async () => {
    using first = await namedUpstream('first')
    using second = await namedUpstream('second')
    first.state.does = 'hang up'
    await using gateway = startGateway([first.url, second.url])
    for (let i = 0; i < 100 && statesOf(gateway).ejected === 0; i++)
      expect(await gateway.ask(GET, RESPONSE)).toEndWith('second')
    expect(statesOf(gateway)).toMatchObject({ ejected: 1 })
    expect(first.asked).toHaveLength(EJECT_AFTER)
  })

  test('never ejects the only target, nor do its checks', async () => {
    const checks: string[] = []
    using first = await rawUpstream((received, socket) => {
      if (received.includes('/healthz')) checks.push(received)
      socket.destroy()
    })
    const health = { path: '/healthz', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 1 }
    await using gateway = startGateway(first.url, { upstream: { health } })
    for (let i = 0; i < 2 * EJECT_AFTER; i++)
      expect(await gateway.ask(GET.replace('GET', 'POST'), /\}$/)).toStartWith('HTTP/1.1 502 ')
    expect(statesOf(gateway)).toMatchObject({ healthy: 1 })
    // The second check shows that the first one had no consequence.
    while (checks.length < 2) {
      gateway.advance(1000)
      await new Promise(setImmediate)
    }
    expect(statesOf(gateway)).toMatchObject({ healthy: 1 })
  })

  test('goes to an ejected target if no other is left', async () => {
    using first = await namedUpstream('first')
    using second = await namedUpstream('second')
    first.state.does = 'hang up'
    await using gateway = startGateway([first.url, second.url])
    while (statesOf(gateway).ejected === 0) await gateway.ask(GET, RESPONSE)
    first.state.does = 'respond'
    second.stopListening()
    for (const socket of second.sockets) socket.destroy()
    await until(() => gateway.server.gateway.upstreams[0]!.idleConnections === 0)
    expect(await gateway.ask(GET, RESPONSE)).toEndWith('first')
  })

  test('in time ejects its target, also on a kept connection', async () => {
    using first = await namedUpstream('first')
    using second = await namedUpstream('second')
    await using gateway = startGateway([first.url, second.url], { timeouts: { poolIdleMs: 1e9 } })
    using clients = new DisposableStack()
    const ask = async () => clients.use(await rawClient(gateway.port, GET))
    const hung = () => gateway.server.gateway.upstreams[0]!.activeConnections
    // As many at once, so that each later request finds a kept connection.
    first.state.does = second.state.does = 'nothing'
    for (let i = 1; i <= 40; i++) {
      await ask()
      await until(() => first.asked.length + second.asked.length === i)
    }
    for (const upstream of [first, second])
      for (const socket of upstream.sockets) socket.write(upstream.response)
    await until(() => hung() === 0)
    const connections = first.connections() + second.connections()
    second.state.does = 'respond'
    for (let i = 0; i < 100 && statesOf(gateway).ejected === 0; i++) {
      await ask()
      await until(() => first.asked.length + second.asked.length === 41 + i)
      if (hung() > 0) gateway.advance(35_100)
    }
    expect(statesOf(gateway)).toMatchObject({ ejected: 1 })
    expect(first.connections() + second.connections()).toBe(connections)
  })

  test.each(['GET', 'POST'])('on a kept connection never counts: %s', async (method) => {
    const held: Socket[] = []
    const hold = (_: string, socket: Socket) => void held.push(socket)
    using first = await rawUpstream(hold)
    using second = await rawUpstream(hold)
    await using gateway = startGateway([first.url, second.url])
    const [kept, asked] = [40, 2 * EJECT_AFTER]
    using clients = new DisposableStack()
    const all = []
    for (let i = 0; i < kept; i++) all.push(clients.use(await rawClient(gateway.port, GET)))
    await until(() => held.length === kept)
    for (const socket of held) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst')
    await Promise.all(all.map((client) => client.until(RESPONSE)))
    for (const socket of held) socket.removeAllListeners('data').on('data', () => socket.destroy())
    const request = `${method} /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`
    const before = held.length
    for (let i = 0; i < asked; i++) {
      using client = await rawClient(gateway.port, request)
      if (method === 'POST') expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 502 ')
      else {
        // It is sent again on a new connection.
        await until(() => held.length === before + i + 1)
        held.at(-1)!.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfirst')
        await client.until(RESPONSE)
      }
    }
    expect(statesOf(gateway)).toMatchObject({ ejected: 0 })
  })
})

test('a target that vanishes has no idle connection left', async () => {
  using folder = temporaryFolder()
  const unix = join(folder.path, 'dogs.1.sock')
  using first = await namedUpstream('first', { unix })
  await using gateway = startGateway(`unix:${join(folder.path, 'dogs.*.sock')}`)
  expect(await gateway.ask(GET, RESPONSE)).toEndWith('first')
  expect(first.sockets.size).toBe(1)
  rmSync(unix)
  await until(() => first.sockets.size === 0)
})

test('a target that vanishes with a request still has to respond in time: 504', async () => {
  using folder = temporaryFolder()
  const unix = join(folder.path, 'dogs.1.sock')
  using first = await namedUpstream('first', { unix })
  first.state.does = 'nothing'
  const health = { path: '/healthz', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 3 }
  await using gateway = startGateway(`unix:${join(folder.path, 'dogs.*.sock')}`, { upstream: { health } })
  using client = await rawClient(gateway.port, GET)
  await until(() => first.asked.length === 1)
  rmSync(unix)
  await until(() => targetsOf(gateway) === 0)
  using checked = spyOn(globalThis, 'fetch')
  gateway.advance(35_000)
  expect(checked).not.toHaveBeenCalled()
  expect(client.received()).toBe('')
  gateway.advance(1)
  expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 504 ')
  await until(() => first.sockets.size === 0)
})

test('a client’s failure never counts against a target', async () => {
  using first = await namedUpstream('first')
  using second = await namedUpstream('second')
  first.state.does = second.state.does = 'nothing'
  await using gateway = startGateway([first.url, second.url])
  for (let i = 1; i <= 20; i++) {
    using client = await rawClient(gateway.port, GET)
    await until(() => first.asked.length + second.asked.length === i)
    client.socket.resetAndDestroy()
    await until(() => gateway.server.connections() === 0)
  }
  expect(statesOf(gateway)).toEqual({ healthy: 2, ejected: 0, slow_start: 0 })
})
