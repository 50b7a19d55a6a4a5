/** Clients that read slowly, send slowly, or stay after their last response. */
import { describe, expect, test } from 'bun:test'
import { cannedUpstream, limitedRoom, OK, rawClient, rawUpstream, startGateway, until } from '../testing.ts'

/** How long a client may go on sending after its last response: as with nginx's `lingering_timeout`. */
const LINGER_MS = 5000

const ASK = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
const PAGE = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** The gateway's side of its only client. */
const clientOf = ({ server }: ReturnType<typeof startGateway>) => {
  const [client] = server.gateway.clients
  return client!
}

const untilBlocked = (gateway: ReturnType<typeof startGateway>) =>
  until(() => clientOf(gateway)?.out.isBlocked === true)

/** Time in which the gateway could read more than it should. */
async function aWhile(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}

describe('a client that reads slowly', () => {
  test('gets all of its response in any time, and the upstream waits meanwhile', async () => {
    using clients = limitedRoom('clients', 1000)
    const body = `${'x'.repeat(3_000_000)}end`
    using upstream = await cannedUpstream(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK)
    await untilBlocked(gateway)
    await aWhile()
    const read = () => gateway.metric('gateway_sent_bytes_total')
    const before = await read()
    for (let i = 0; i < 5; i++) {
      gateway.advance(29_000)
      clients.room = 1000
      clientOf(gateway).onDrain()
      await aWhile()
    }
    expect(await read()).toBe(before)
    clients.room = Infinity
    clientOf(gateway).onDrain()
    expect((await client.until(/end$/)).split('\r\n\r\n')[1]).toHaveLength(body.length)
  })

  test('goes on sending its request', async () => {
    using _ = limitedRoom('clients', 1000)
    let seen = ''
    using upstream = await rawUpstream((received, socket) => {
      if (seen === '') socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n${'x'.repeat(5000)}`)
      seen = received
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf',
    )
    await untilBlocked(gateway)
    client.socket.write('rest')
    await until(() => seen.endsWith('halfrest'))
  })

  test.each([
    ['stays', false],
    ['has closed its half', true],
  ])('and %s: its next request is read once the reply to the last one is sent', async (_, hasEnded) => {
    using clients = limitedRoom('clients', 10)
    await using gateway = startGateway('http://127.0.0.1:1')
    using client = await rawClient(gateway.port, PAGE + PAGE)
    await untilBlocked(gateway)
    if (hasEnded) clientOf(gateway).onEnd()
    // The time for a head does not run: the gateway does not read.
    gateway.advance(29_000)
    expect(await gateway.counted()).toEqual({ 'GET page 200': 1 })
    clients.room = Infinity
    clientOf(gateway).onDrain()
    await client.until(/<\/html>[^]*<\/html>\s*$/)
    expect(gateway.server.connections()).toBe(hasEnded ? 0 : 1)
  })
})

const UNFINISHED = 'POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhalf'

test.each([
  ['a reply', PAGE, /^HTTP\/1.1 200 [^]*<\/html>\s*$/],
  ['the error for a request that it has not finished', UNFINISHED, /^HTTP\/1.1 404 [^]*\}$/],
])('a client that has closed its half is closed once it has read %s', async (_, request, response) => {
  using clients = limitedRoom('clients', 10)
  await using gateway = startGateway('http://127.0.0.1:1')
  using client = await rawClient(gateway.port, request, { allowHalfOpen: true })
  await untilBlocked(gateway)
  clientOf(gateway).onEnd()
  expect(gateway.server.connections()).toBe(1)
  clients.room = Infinity
  clientOf(gateway).onDrain()
  expect(gateway.server.connections()).toBe(0)
  await client.until(response)
})

describe('after the last response a client', () => {
  test('may go on sending for a while, and is closed then', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    using client = await rawClient(gateway.port, UNFINISHED, { allowHalfOpen: true })
    await client.until(/\}$/)
    client.socket.write('more')
    while ((await gateway.metric('gateway_received_bytes_total')) === UNFINISHED.length) await aWhile()
    // No byte of it is kept.
    expect(clientOf(gateway).state).toBe('waiting')
    gateway.advance(LINGER_MS)
    expect(gateway.server.connections()).toBe(1)
    gateway.advance(1)
    expect(gateway.server.connections()).toBe(0)
  })

  test('that asked for it is closed, even if it keeps its own half open', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    const last = ASK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
    using client = await rawClient(gateway.port, last, { allowHalfOpen: true })
    await client.until(/ok$/)
    expect(gateway.server.connections()).toBe(0)
    // The kernel resets the connection of a closed socket.
    const more = setInterval(() => client.socket.write('x'), 5)
    await client.untilClosed()
    clearInterval(more)
  })

  test('costs no memory for what it has sent behind its request', async () => {
    using upstream = await rawUpstream(() => {})
    await using gateway = startGateway(upstream.url)
    const last = ASK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
    using client = await rawClient(gateway.port, `${last}more`, { allowHalfOpen: true })
    await until(() => upstream.sockets.size === 1)
    for (const socket of upstream.sockets) socket.write(OK)
    await client.until(/ok$/)
    expect(clientOf(gateway).state).toBe('waiting')
  })

  test.each([
    ['of the upstream', ASK, 'GET dogs 200', /ok$/],
    ['of the gateway', PAGE, 'GET page 200', /<\/html>\s*$/],
  ])(
    'gets that %s whole, however much it has sent behind its request',
    async (_, ask, count, end) => {
      using upstream = await rawUpstream(() => {})
      await using gateway = startGateway(upstream.url)
      const last = ask.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
      // More than the buffers of the sockets take.
      const more = 'x'.repeat(20_000_000)
      for (let i = 1; i <= 3; i++) {
        using client = await rawClient(gateway.port, last + more)
        client.socket.pause()
        while ((await gateway.counted())[count] !== i) {
          await aWhile()
          for (const socket of upstream.sockets) socket.end(OK)
        }
        client.socket.resume()
        expect(await client.untilClosed(() => client.socket.end())).toMatch(end)
        expect(client.wasReset()).toBe(false)
      }
    },
    60_000,
  )
})

test('a client whose body waits for a connection has no time limit, and one again when it is read', async () => {
  using upstream = await rawUpstream(() => {})
  await using gateway = startGateway(upstream.url, {
    upstream: { maxConnections: 1, queueMs: 1e9 },
    timeouts: { responseHeaderMs: 1e9 },
  })
  using first = await rawClient(gateway.port, ASK)
  await until(() => upstream.sockets.size === 1)
  const head = 'PUT /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'
  using second = await rawClient(gateway.port, `${head}half`)
  const { upstreams } = gateway.server.gateway
  await until(() => upstreams[0]!.waiting === 1)
  gateway.advance(1_000_000)
  expect(second.received()).toBe('')
  for (const socket of upstream.sockets) socket.write(OK)
  await first.until(/ok$/)
  await until(() => upstreams[0]!.waiting === 0)
  gateway.advance(29_000)
  await aWhile()
  expect(second.received()).toBe('')
  gateway.advance(1_100)
  expect(await second.until(/\}$/)).toStartWith('HTTP/1.1 408 ')
})

test('a body outside the grammar behind the head of a response resets the client: no error stands in the response', async () => {
  using upstream = await rawUpstream((_, socket) =>
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'),
  )
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(
    gateway.port,
    'POST /dogs/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n',
  )
  await client.until(/half\r\n$/)
  client.socket.write('no chunk')
  expect(await client.untilClosed()).toEndWith('half\r\n')
  expect(client.wasReset()).toBe(true)
})
