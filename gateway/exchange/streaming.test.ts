/** Bodies stream with back-pressure in both directions, and a side that leaves frees the other one. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { OK, rawClient, rawUpstream, startGateway } from '../testing.ts'

/** On a machine that may be busy. */
setDefaultTimeout(120_000)

const ASK = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
const ABORTS = 'gateway_client_aborts_total'

async function untilCounted(gateway: ReturnType<typeof startGateway>, status: string): Promise<void> {
  while (!(status in (await gateway.counted()))) await new Promise(setImmediate)
}

/** An upstream that reports requests and closed connections, and sends the given response. */
async function leftAlone(response = '') {
  const [asked, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const upstream = await rawUpstream((_, socket) => {
    socket.on('close', () => gone.resolve())
    if (response !== '') socket.write(response)
    asked.resolve()
  })
  return Object.assign(upstream, { asked: asked.promise, gone: gone.promise })
}

describe('a body streams', () => {
  test('to the client: the first part arrives before the upstream sends the last', async () => {
    using upstream = await leftAlone('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK)
    await client.until(/5\r\nfirst\r\n$/)
    // Like server-sent events: the next part may take any time.
    gateway.advance(10_000_000)
    for (const socket of upstream.sockets) socket.write('4\r\nlast\r\n0\r\n\r\n')
    await client.until(/4\r\nlast\r\n0\r\n\r\n$/)
    expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
  })

  test('to the upstream: the first part arrives before the client sends the last', async () => {
    const first = Promise.withResolvers<void>()
    using upstream = await rawUpstream((received, socket) => {
      if (received.includes('first')) first.resolve()
      if (received.endsWith('0\r\n\r\n')) socket.write(OK)
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n',
    )
    await first.promise
    client.socket.write('4\r\nlast\r\n0\r\n\r\n')
    expect(await client.until(/ok$/)).toStartWith('HTTP/1.1 200 OK')
  })

  test('both ways at once: an echo', async () => {
    using upstream = await rawUpstream((received, socket) => {
      if (received.endsWith('ping\r\n'))
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n')
      if (received.endsWith('0\r\n\r\n')) socket.write('0\r\n\r\n')
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nping\r\n',
    )
    await client.until(/pong\r\n$/)
    client.socket.write('0\r\n\r\n')
    expect(await client.untilClosed()).toEndWith('4\r\npong\r\n0\r\n\r\n')
  })

  test('whole, however large, both ways, with and without a length', async () => {
    await using upstream = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => new Response(request.body),
    })
    await using gateway = startGateway(`http://127.0.0.1:${upstream.port}`)
    const body = Buffer.alloc(20_000_000, crypto.getRandomValues(new Uint8Array(65_521)))
    for (const sent of [body, new Blob([body]).stream()]) {
      const response = await fetch(`${gateway.url}/dogs/`, { method: 'PUT', body: sent })
      expect(Bun.hash(await response.bytes())).toBe(Bun.hash(body))
    }
    expect(await gateway.counted()).toEqual({ 'PUT dogs 200': 2 })
    expect(await gateway.metric('http_server_request_body_size_bytes_sum{http_route="dogs"}')).toBe(
      40_000_000,
    )
    expect(await gateway.metric('http_server_response_body_size_bytes_sum{http_route="dogs"}')).toBe(
      40_000_000,
    )
  })

  test('unchanged, compressed or not', async () => {
    const zipped = Bun.gzipSync('woof '.repeat(100))
    await using upstream = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Response(zipped, { headers: { 'Content-Encoding': 'gzip' } }),
    })
    await using gateway = startGateway(`http://127.0.0.1:${upstream.port}`)
    const response = await fetch(`${gateway.url}/dogs/`, { decompress: false })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(await response.bytes()).toEqual(zipped)
  })
})

describe('a client that leaves', () => {
  test('before the response frees the upstream, which is not at fault', async () => {
    using upstream = await leftAlone()
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK)
    await upstream.asked
    client.socket.destroy()
    await upstream.gone
    await untilCounted(gateway, 'GET dogs 499')
    expect(await gateway.counted()).toEqual({ 'GET dogs 499': 1 })
    expect(await gateway.metric(ABORTS)).toBe(1)
    expect(await gateway.metric('gateway_upstream_attempts_total{upstream="dogs"}')).toBe(1)
    expect(await gateway.metric('gateway_upstream_request_duration_seconds_count')).toBe(0)
    expect(await gateway.metric('http_server_exceptions_total')).toBe(0)
    expect(await gateway.metric('http_server_active_requests')).toBe(0)
  })

  test('in the middle of its own body frees the upstream', async () => {
    using upstream = await leftAlone()
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf',
    )
    await upstream.asked
    client.socket.destroy()
    await upstream.gone
    await untilCounted(gateway, 'POST dogs 499')
    expect(await gateway.metric(ABORTS)).toBe(1)
  })

  test('in the middle of the response frees the upstream as soon as there is more to send', async () => {
    using upstream = await leftAlone('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK)
    await client.until(/half/)
    client.socket.destroy()
    const more = setInterval(() => {
      for (const socket of upstream.sockets) socket.write('4\r\nmore\r\n')
    }, 5)
    await upstream.gone
    clearInterval(more)
    expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
    expect(await gateway.metric(ABORTS)).toBe(1)
  })

  test('in the middle of a silent response frees the upstream after a while', async () => {
    using upstream = await leftAlone('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK)
    await client.until(/half/)
    client.socket.end()
    while (!gateway.hasHalfClosed()) await new Promise(setImmediate)
    gateway.advance(30_100)
    await upstream.gone
    expect(await gateway.metric(ABORTS)).toBe(1)
    expect(await gateway.metric('gateway_rejections_total')).toBe(0)
  })

  test('while the upstream is not even connected is counted, too', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    using client = await rawClient(gateway.port, ASK)
    client.socket.resetAndDestroy()
    while (gateway.server.connections() > 0) await new Promise(setImmediate)
    expect(await gateway.metric('http_server_active_requests')).toBe(0)
  })
})
