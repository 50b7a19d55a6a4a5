import { describe, expect, test } from 'bun:test'
import { cannedUpstream, rawClient, rawUpstream, startGateway } from './testing.ts'

const LARGE_BYTES = 20_000_000

describe('a body streams', () => {
  test('to the client: the first part arrives before the upstream sends the last', async () => {
    using upstream = await rawUpstream((_, socket) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n'),
    )
    await using gateway = startGateway(upstream.url)
    const answer = await fetch(`${gateway.url}/dogs/`)
    const reader = answer.body!.getReader()
    const decoder = new TextDecoder()
    expect(decoder.decode((await reader.read()).value)).toBe('first')
    for (const socket of upstream.sockets) socket.write('4\r\nlast\r\n0\r\n\r\n')
    expect(decoder.decode((await reader.read()).value)).toBe('last')
    expect((await reader.read()).done).toBe(true)
    expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
  })

  test('to the upstream: the first part arrives before the client sends the last', async () => {
    const first = Promise.withResolvers<void>()
    using upstream = await rawUpstream((received, socket) => {
      if (received.includes('first')) first.resolve()
      if (received.endsWith('0\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n',
    )
    await first.promise
    client.socket.write('4\r\nlast\r\n0\r\n\r\n')
    expect(await client.until(/done$/)).toStartWith('HTTP/1.1 200 OK')
    expect(await gateway.counted()).toEqual({ 'POST dogs 200': 1 })
  })

  test('whole, however large, both ways', async () => {
    await using upstream = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: async (request) => new Response(await request.bytes()),
      development: false,
    })
    await using gateway = startGateway(`http://127.0.0.1:${upstream.port}`)
    const sent = crypto.getRandomValues(new Uint8Array(65_536))
    const body = Buffer.alloc(LARGE_BYTES, sent)
    const answer = await fetch(`${gateway.url}/dogs/`, { method: 'PUT', body })
    expect(Bun.hash(await answer.bytes())).toBe(Bun.hash(body))
    expect(await gateway.counted()).toEqual({ 'PUT dogs 200': 1 })
  })
})

describe('framing', () => {
  test.each([
    ['a declared length', 'Content-Length: 5\r\n\r\nhello', /content-length: 5/i, /\r\n\r\nhello$/],
    [
      'chunks',
      'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      /transfer-encoding: chunked/i,
      /\r\n0\r\n\r\n$/,
    ],
    [
      'no chunk',
      'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /transfer-encoding: chunked/i,
      /\r\n0\r\n\r\n$/,
    ],
    ['an empty body', 'Content-Length: 0\r\n\r\n', /content-length: 0/i, /\r\n\r\n$/],
  ])('of a request with %s passes', async (_, rest, header, end) => {
    let seen = ''
    using upstream = await rawUpstream((received, socket) => {
      seen = received
      if (end.test(received)) socket.write('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok')
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, `POST /dogs/ HTTP/1.1\r\nHost: a\r\n${rest}`)
    expect(await client.until(/ok$/)).toStartWith('HTTP/1.1 201 Created')
    expect(seen).toMatch(header)
    expect(seen.match(/content-length|transfer-encoding/gi)).toHaveLength(1)
    expect(await gateway.counted()).toEqual({ 'POST dogs 201': 1 })
  })

  test.each([
    ['HEAD', '200 OK', 'Content-Length: 42\r\n', 'content-length: 42'],
    ['GET', '304 Not Modified', 'ETag: "a"\r\nContent-Length: 42\r\n', 'content-length: 42'],
    ['GET', '204 No Content', '', ''],
  ])('of an answer without a body passes: %s %s', async (method, status, fields, expected) => {
    using upstream = await cannedUpstream(`HTTP/1.1 ${status}\r\n${fields}\r\n`)
    await using gateway = startGateway(upstream.url)
    const twice = `${method} /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n`
    using client = await rawClient(gateway.port, twice)
    const head = await client.until(/\r\n\r\n$/)
    expect(head).toStartWith(`HTTP/1.1 ${status}`)
    expect(/content-length.*|transfer-encoding.*/i.exec(head)?.[0].toLowerCase() ?? '').toBe(expected)
    // The next answer on the connection begins where this one ended.
    client.socket.write(twice)
    expect(await client.until(/\r\n\r\n.+\r\n\r\n$/s)).toStartWith(head.slice(0, head.indexOf('\r\n')))
    expect(await gateway.counted()).toEqual({ [`${method} dogs ${status.slice(0, 3)}`]: 2 })
  })

  test('of an answer that ends with its connection becomes chunks', async () => {
    using upstream = await rawUpstream((_, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nwoof'))
    await using gateway = startGateway(upstream.url)
    expect(await (await fetch(`${gateway.url}/dogs/`)).text()).toBe('woof')
  })
})

test('a compressed answer passes as it is', async () => {
  const zipped = Bun.gzipSync('woof '.repeat(100))
  await using upstream = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Response(zipped, { headers: { 'Content-Encoding': 'gzip' } }),
  })
  await using gateway = startGateway(`http://127.0.0.1:${upstream.port}`)
  const answer = await fetch(`${gateway.url}/dogs/`, { decompress: false })
  expect(answer.headers.get('content-encoding')).toBe('gzip')
  expect(await answer.bytes()).toEqual(zipped)
})

test('connections to the upstream are used again', async () => {
  let connections = 0
  using upstream = await rawUpstream((received, socket) => {
    if (received.indexOf('GET') === received.lastIndexOf('GET')) connections++
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  await using gateway = startGateway(upstream.url)
  for (let i = 0; i < 5; i++) await (await fetch(`${gateway.url}/dogs/`)).text()
  expect(connections).toBe(1)
})
