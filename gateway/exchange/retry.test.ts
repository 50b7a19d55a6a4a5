/** Retries: a client sees no failure that a retry can hide, and no POST is sent twice. */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { RouteConfig } from '../config/gateway_file.ts'
import { REPLAY_BYTES } from './replay_buffer.ts'
import { FREE_RETRIES_PER_SECOND } from '../upstream/retry_budget.ts'
import { namedUpstream, rawClient, rawUpstream, startGateway, temporaryFolder, until } from '../testing.ts'

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
const POST = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody'
const RESPONSE = /(first|second|\})$/

const retries = (reason: string) => `gateway_upstream_retries_total{upstream="dogs",reason="${reason}"}`

/** Addresses without a listener. */
async function closedPorts(count: number): Promise<string[]> {
  const upstreams = await Promise.all(Array.from({ length: count }, () => namedUpstream('closed')))
  for (const upstream of upstreams) upstream[Symbol.dispose]()
  return upstreams.map(({ url }) => url)
}

describe('a target that cannot be connected to', () => {
  test.each([
    ['GET', GET],
    ['POST', POST],
  ])('is no failure if there is another one: %s', async (_, request) => {
    using upstream = await namedUpstream('first')
    await using gateway = startGateway([...(await closedPorts(3)), upstream.url])
    for (let i = 0; i < 50; i++) expect(await gateway.ask(request, RESPONSE)).toEndWith('first')
    expect(upstream.asked).toHaveLength(50)
    gateway.advance(1)
    expect(await gateway.metric('gateway_upstream_targets{upstream="dogs",state="ejected"}')).toBe(3)
    expect(await gateway.metric(retries('unreachable'))).toBeWithin(9, 13)
  })

  test('comes back once it accepts connections, and gets its share', async () => {
    using folder = temporaryFolder()
    const unix = join(folder.path, 'second.sock')
    using first = await namedUpstream('first')
    await using gateway = startGateway([first.url, `unix:${unix}`])
    const isEjected = () => gateway.server.gateway.upstreams[0]!.states.ejected === 1
    while (!isEjected()) await gateway.ask(GET, RESPONSE)
    using second = await namedUpstream('second', { unix })
    gateway.advance(1100)
    gateway.advance(5100)
    while (second.asked.length === 0) await gateway.ask(GET, RESPONSE)
    expect(gateway.server.gateway.upstreams[0]!.states).toEqual({ healthy: 2, ejected: 0, slow_start: 0 })
  })
})

describe('a kept connection that the target has closed', () => {
  /** A gateway whose only connection to its upstream is closed just before this request is sent on it. */
  async function askOnClosed(request: string, unix?: string) {
    using upstream = await namedUpstream('first', unix === undefined ? {} : { unix })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, GET)
    await client.until(/first$/)
    for (const socket of upstream.sockets) socket.destroy()
    // In the same turn of the event loop, so the gateway does not know yet.
    for (const each of gateway.server.gateway.clients) each.onData(Buffer.from(request))
    const received = await client.until(/first[^]*(first|\})$/)
    return { received, asked: upstream.asked.length, stale: await gateway.metric(retries('stale')) }
  }

  test.each([
    ['GET', 'TCP'],
    ['GET', 'unix'],
    // The kernel takes no byte for a closed unix socket, so the request was not sent.
    ['POST', 'unix'],
  ])('is hidden from the client: %s over %s', async (method, kind) => {
    using folder = temporaryFolder()
    const unix = kind === 'unix' ? join(folder.path, 'first.sock') : undefined
    const { received, asked, stale } = await askOnClosed(method === 'GET' ? GET : POST, unix)
    expect(received).toMatch(/first[^]*first$/)
    expect([asked, stale]).toEqual([2, 1])
  })

  test('is a 502 for a POST over TCP: the kernel took it, and the target may have read it', async () => {
    const { received, asked } = await askOnClosed(POST)
    expect(received).toContain('HTTP/1.1 502 ')
    expect(asked).toBe(1)
  })
})

describe('a target that takes a request and closes', () => {
  test('gets no POST a second time, nor does another target', async () => {
    using upstream = await namedUpstream('first')
    upstream.state.does = 'hang up'
    await using gateway = startGateway([upstream.url, upstream.url.replace('127.0.0.1', '127.0.0.2')])
    expect(await gateway.ask(POST, RESPONSE)).toContain('HTTP/1.1 502 ')
    expect(upstream.asked).toHaveLength(1)
  })

  test.each([
    ['POST with Idempotency-Key', POST.replace('Host: a', 'Host: a\r\nIdempotency-Key: 1'), 'second'],
    ['POST with an empty key', POST.replace('Host: a', 'Host: a\r\nIdempotency-Key:'), '502'],
    [
      'PATCH with the key',
      POST.replace('POST', 'PATCH').replace('Host: a', 'Host: a\r\nIdempotency-Key: 1'),
      '502',
    ],
  ])(
    'is tried again elsewhere if the client says that this does no harm: %s',
    async (_, request, expected) => {
      using first = await namedUpstream('first')
      using second = await namedUpstream('second')
      first.state.does = 'hang up'
      await using gateway = startGateway([first.url, second.url])
      let received = ''
      while (first.asked.length === 0) received = await gateway.ask(request, RESPONSE)
      expect(received).toContain(expected)
    },
  )

  test('costs a retry of an idempotent request, with its body', async () => {
    using first = await namedUpstream('first')
    using second = await namedUpstream('second')
    first.state.does = 'hang up'
    await using gateway = startGateway([first.url, second.url])
    const put = POST.replace('POST', 'PUT')
    while (first.asked.length === 0) expect(await gateway.ask(put, RESPONSE)).toEndWith('second')
    expect(first.asked[0]).toEndWith('\r\n\r\nbody')
    expect(second.asked.at(-1)).toEndWith(first.asked[0]!)
    expect(await gateway.metric(retries('gone'))).toBe(1)
  })

  test('is given up after two retries, or at once if the budget is spent', async () => {
    using upstream = await namedUpstream('first')
    upstream.state.does = 'hang up'
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask(GET, RESPONSE)).toContain('HTTP/1.1 502 ')
    expect(upstream.asked).toHaveLength(3)
    const requests = 40
    for (let i = 1; i < requests; i++) await gateway.ask(GET, RESPONSE)
    const most = requests * 1.2 + FREE_RETRIES_PER_SECOND
    expect(upstream.asked.length).toBeWithin(most - 2, most + 1)
  })

  test('gets no retry of a body that is too large to keep', async () => {
    using upstream = await rawUpstream((received, socket) => {
      if (received.endsWith('end')) socket.destroy()
    })
    await using gateway = startGateway(upstream.url)
    const body = `${'x'.repeat(2 * REPLAY_BYTES)}end`
    const put = `PUT /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    expect(await gateway.ask(put, /\}$/)).toContain('HTTP/1.1 502 ')
    expect(upstream.connections()).toBe(1)
  })

  test.each(['HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n', 'HTTP'])(
    'gets no retry once it sent %j',
    async (said) => {
      using upstream = await rawUpstream((_, socket) => void socket.end(said))
      await using gateway = startGateway(upstream.url)
      expect(await gateway.ask(GET, RESPONSE)).toContain('HTTP/1.1 502 ')
      expect(upstream.connections()).toBe(1)
    },
  )
})

describe('a request that times out', () => {
  /** Targets that do not respond, and a client that asks them. */
  async function hung(route: Partial<RouteConfig>, count = 3) {
    const using = new AsyncDisposableStack()
    const targets = Array.from({ length: count }, () => namedUpstream('slow'))
    const upstreams = (await Promise.all(targets)).map((each) => using.use(each))
    for (const { state } of upstreams) state.does = 'nothing'
    const routes = [{ id: 'dogs', path: '/dogs', upstream: 'dogs', ...route }]
    const gateway = using.use(
      startGateway(
        upstreams.map(({ url }) => url),
        { routes },
      ),
    )
    const client = using.use(await rawClient(gateway.port, POST.replace('POST', 'PUT')))
    return {
      using,
      gateway,
      client,
      asked: () => upstreams.reduce((sum, { asked }) => sum + asked.length, 0),
    }
  }

  test('is carried out once, and gets a 504 after one timeout', async () => {
    const { using, gateway, client, asked } = await hung({})
    await using _ = using
    await until(() => asked() === 1)
    gateway.advance(35_100)
    expect(await client.until(RESPONSE)).toStartWith('HTTP/1.1 504 ')
    expect(asked()).toBe(1)
  })

  test('is not sent to the only target again, also if its route retries timeouts', async () => {
    const { using, gateway, client, asked } = await hung({ retry_on: ['answer_timeout'] }, 1)
    await using _ = using
    await until(() => asked() === 1)
    gateway.advance(35_100)
    expect(await client.until(RESPONSE)).toStartWith('HTTP/1.1 504 ')
    expect(asked()).toBe(1)
  })

  test.each([
    [{ retry_on: ['answer_timeout' as const] }, 3],
    [{ retry_on: ['answer_timeout' as const], retries: 1 }, 2],
    [{ retry_on: ['answer_timeout' as const], retries: 0 }, 1],
  ])('is carried out as often as its route says: %j', async (route, times) => {
    const { using, gateway, client, asked } = await hung(route)
    await using _ = using
    for (let i = 1; i <= times; i++) {
      await until(() => asked() === i)
      gateway.advance(35_100)
    }
    expect(await client.until(RESPONSE)).toStartWith('HTTP/1.1 504 ')
    expect(asked()).toBe(times)
  })
})

test('with retries = 0 a request goes to one target alone', async () => {
  using upstream = await namedUpstream('first')
  upstream.state.does = 'hang up'
  const routes = [{ id: 'dogs', path: '/dogs', upstream: 'dogs', retries: 0 }]
  await using gateway = startGateway([upstream.url, upstream.url], { routes })
  expect(await gateway.ask(GET, RESPONSE)).toContain('HTTP/1.1 502 ')
  expect(upstream.asked).toHaveLength(1)
})

test('after a timeout that may be retried another target gets the request, with the body received so far', async () => {
  using first = await namedUpstream('first')
  using second = await namedUpstream('second')
  first.state.does = 'nothing'
  const routes = [{ id: 'dogs', path: '/dogs', upstream: 'dogs', retry_on: ['answer_timeout' as const] }]
  await using gateway = startGateway([first.url, second.url], { routes })
  const put = POST.replace('POST', 'PUT')
  while (first.asked.length === 0) {
    using client = await rawClient(gateway.port, put)
    await until(() => first.asked.length > 0 || client.received().endsWith('second'))
    gateway.advance(first.asked.length > 0 ? 35_100 : 0)
    expect(await client.until(RESPONSE)).toEndWith('second')
  }
  expect(second.asked.at(-1)).toEndWith(first.asked[0]!)
  expect(await gateway.metric(retries('answer_timeout'))).toBe(1)
})

test('the rest of a body follows the part that was sent again', async () => {
  using first = await namedUpstream('first')
  using second = await namedUpstream('second')
  first.state.does = second.state.does = 'nothing'
  await using gateway = startGateway([first.url, second.url])
  using client = await rawClient(
    gateway.port,
    'PUT /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf',
  )
  await until(() => first.asked.length + second.asked.length === 1)
  const [asked, other] = first.asked.length === 1 ? [first, second] : [second, first]
  for (const socket of asked.sockets) socket.destroy()
  await until(() => other.asked.length === 1)
  expect(other.asked).toEqual(asked.asked)
  other.state.does = 'respond'
  client.socket.write('done')
  expect(await client.until(RESPONSE)).toContain('200 OK')
  expect(other.asked.at(-1)).toBe(`${asked.asked[0]}done`)
})
