/** Connections of HTTP/1.1 and HTTP/1.0: one request after the other, each with its response. */
import { describe, expect, test } from 'bun:test'
import {
  cannedUpstream,
  limitedRoom,
  namedUpstream,
  OK,
  rawClient,
  rawUpstream,
  recordingUpstream,
  startGateway,
  until,
} from '../testing.ts'

const ASK = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

describe('pipelining', () => {
  test('responses come in order, and the second request waits for the first response', async () => {
    const asked: string[] = []
    using upstream = await rawUpstream((received, socket) => {
      const line = received.slice(received.lastIndexOf('GET'), received.lastIndexOf(' HTTP'))
      asked.push(line)
      if (line !== 'GET /dogs/slow') socket.write(OK)
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      ASK.replace('/dogs/', '/dogs/slow') + ASK + ASK.replace('/dogs/', '/'),
    )
    while (asked.length === 0) await new Promise(setImmediate)
    // A request on another connection overtakes them.
    await gateway.ask(ASK.replace('/dogs/', '/dogs/other'))
    expect(asked).toEqual(['GET /dogs/slow', 'GET /dogs/other'])
    for (const socket of upstream.sockets)
      socket.write('HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nslow')
    const received = await client.until(/<\/html>\s*$/)
    expect([...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      '201',
      '200',
      '200',
    ])
  })

  test('nothing behind a rejected body gets a response', async () => {
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url, { limits: { bodyBytes: 3 } })
    using client = await rawClient(
      gateway.port,
      `POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd${ASK}`,
    )
    expect((await client.untilClosed()).match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(upstream.requests).toEqual([])
  })

  test('more than is read ahead waits in the socket', async () => {
    const first = Promise.withResolvers<void>()
    let asked = 0
    await using upstream = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        if (request.url.endsWith('/other')) return new Response('ok')
        if (++asked === 1) await first.promise
        return new Response(`${asked};`)
      },
    })
    await using gateway = startGateway(`http://127.0.0.1:${upstream.port}`)
    const [count, received] = [300, 'gateway_received_bytes_total']
    const large = ASK.replace('\r\n\r\n', `\r\nA: ${'a'.repeat(10_000)}\r\n\r\n`)
    using client = await rawClient(gateway.port, large.repeat(count))
    let before = -1
    let quiet = 0
    // Requests of another client pass meanwhile: the gateway has had the time to read more.
    while (quiet < 5) {
      await gateway.ask(ASK.replace('/dogs/', '/dogs/other'))
      const bytes = (await gateway.metric(received)) - 1
      quiet = bytes - before < large.length ? quiet + 1 : 0
      before = bytes
    }
    // One read of the socket is at most 512 KiB.
    expect(before).toBeLessThan(1_200_000)
    expect(asked).toBe(1)
    first.resolve()
    await client.until(new RegExp(`${count};$`))
    expect(asked).toBe(count)
    expect(await gateway.metric(received)).toBeGreaterThan(large.length * count)
  }, 60_000)

  test('a request that comes byte by byte is read all the same', async () => {
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, '')
    client.socket.setNoDelay(true)
    const text =
      'PUT /dogs/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n'
    for (const byte of `\r\n${text}${text}`) {
      client.socket.write(byte)
      await new Promise(setImmediate)
    }
    await client.until(/(\r\n\r\n[\da-f]{40}[^]*){2}$/)
    expect(upstream.requests.map(({ target, body }) => [target, body])).toEqual([
      ['/dogs/1', 'hello'],
      ['/dogs/1', 'hello'],
    ])
  })
})

describe('Connection: close', () => {
  test('of a client is forwarded as keep-alive, and closes after the response', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      ASK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') + ASK,
    )
    const received = await client.untilClosed()
    expect(received).toContain('\r\nConnection: close\r\n')
    expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(await gateway.metric('gateway_client_aborts_total')).toBe(0)
  })

  test('of an upstream ends its connection, not the client’s', async () => {
    using upstream = await cannedUpstream(
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    )
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, ASK + ASK)
    const received = await client.until(/ok[^]*ok$/)
    expect(received).not.toContain('Connection')
    while (upstream.sockets.size > 0) await new Promise(setImmediate)
  })
})

describe('a response before the end of the request', () => {
  const none = 'POST /none HTTP/1.1\r\nHost: a\r\n'

  test.each([
    ['a length', `Content-Length: ${ASK.length + 1}\r\n\r\n`],
    ['chunks', `Transfer-Encoding: chunked\r\n\r\n${(ASK.length + 1).toString(16)}\r\n`],
  ])('closes the connection: what follows is its body, by %s', async (_, fields) => {
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, `${none}${fields}`)
    await client.until(/\}$/)
    client.socket.write(ASK)
    const received = await client.untilClosed(() => client.socket.end())
    expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(received).toContain('\r\nConnection: close\r\n')
    expect(upstream.requests).toEqual([])
  })

  test.each([
    ['of the gateway', none, 'POST unmatched 404', /\}$/],
    ['of the upstream', none.replace('none', 'dogs'), 'POST dogs 413', /no$/],
    ['of a rejection', `${none}Transfer-Encoding: gzip\r\n`, '_OTHER unmatched 400', /\}$/],
    ['of a failure', none.replace('none', 'dogs'), 'POST dogs 503', /\}$/],
  ])(
    '%s arrives, however much of the body follows',
    async (_, head, count, end) => {
      using upstream = await cannedUpstream('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno')
      await using gateway = startGateway(count === 'POST dogs 503' ? 'unix:/nowhere/*.sock' : upstream.url)
      // More than the buffers of the sockets take.
      const body = Buffer.alloc(16_000_000, 'x')
      for (let i = 1; i <= 3; i++) {
        using client = await rawClient(gateway.port, `${head}Content-Length: ${body.length + 1}\r\n\r\n`)
        client.socket.pause()
        while ((await gateway.counted())[count] !== i) await new Promise(setImmediate)
        // Most clients read a response once they have sent the request.
        client.socket.write(body.subarray(0, body.length / 2))
        await new Promise((sent) => client.socket.write(body.subarray(body.length / 2), sent))
        client.socket.resume()
        expect(await client.untilClosed(() => client.socket.end())).toMatch(end)
        expect(client.wasReset()).toBe(false)
      }
    },
    60_000,
  )

  test('keeps the connection if the body is whole', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const request = `${none}Content-Length: 2\r\n\r\nok`
    expect(await gateway.ask(request + request, /\}HTTP[^]*\}$/)).not.toContain('Connection')
  })
})

describe('an HTTP/1.0 client', () => {
  test('is closed after its response', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.0\r\n\r\n')
    expect(await client.untilClosed()).toContain('\r\nConnection: close\r\n')
    expect(upstream.heads[0]).toStartWith('GET /dogs/ HTTP/1.1\r\n')
    expect(upstream.heads[0]).toContain('\r\nVia: 1.0 bun-monitoring')
  })

  test('keeps its connection if it asks to', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    const ask = 'GET /dogs/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
    using client = await rawClient(gateway.port, ask)
    expect(await client.until(/ok$/)).toContain('\r\nConnection: keep-alive\r\n')
    client.socket.write(ask)
    await client.until(/ok[^]*ok$/)
  })

  test('gets chunks as bare data, and no interim responses', async () => {
    using upstream = await cannedUpstream(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' +
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\r\nwo\r\n2\r\nof\r\n0\r\nA: b\r\n\r\n',
    )
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    const [head, body] = (await client.untilClosed()).split('\r\n\r\n')
    expect(body).toBe('woof')
    expect(head).toStartWith('HTTP/1.1 200 OK\r\n')
    expect(head).not.toMatch(/transfer-encoding/i)
    expect(head).toContain('\r\nConnection: close')
  })
})

test.each([
  ['1.2', '200'],
  ['1.9', '200'],
  ['2.0', '505'],
  ['0.9', '505'],
])('a request of HTTP/%s gets a %s', async (version, status) => {
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url)
  const response = await gateway.ask(`GET /dogs/?a HTTP/${version}\r\nHost: a\r\n\r\n`, /ok$|\}$/)
  expect(response).toStartWith(`HTTP/1.1 ${status} `)
  expect(upstream.heads.map((head) => head.split('\r\n')[0])).toEqual(
    status === '200' ? ['GET /dogs/?a HTTP/1.1'] : [],
  )
})

test('a head of 17,000 bytes gets a 431 with problem+json, and one that Bun.serve takes passes', async () => {
  await using upstream = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('ok') })
  await using gateway = startGateway(`http://127.0.0.1:${upstream.port}`)
  const ask = (bytes: number) =>
    gateway.ask(`GET /dogs/ HTTP/1.1\r\nHost: a\r\nA: ${'b'.repeat(bytes - 14)}\r\n\r\n`, /ok$|\}$/)
  expect(await ask(17_000)).toMatch(/^HTTP\/1\.1 431 [^]*application\/problem\+json/)
  expect(await ask(15_360)).toStartWith('HTTP/1.1 200 ')
  expect(await ask(15_361)).toStartWith('HTTP/1.1 431 ')
})

describe('a head that fits as received, but with the fields of the gateway only if the services take it:', () => {
  const request = (line: number, field: number, more = 'Host: a') =>
    `GET /dogs/${'a'.repeat(line)} HTTP/1.1\r\n${more}\r\nA: ${'b'.repeat(field)}\r\n\r\n`
  test.each<[string, Parameters<typeof startGateway>[1], (bytes: number) => string]>([
    ['a long request line', {}, (bytes) => request(8000, bytes)],
    [
      'a long host, which is forwarded three times',
      {},
      (bytes) => request(0, 0, `Host: ${'a'.repeat(bytes)}`),
    ],
    [
      'a chain of trusted proxies, which is forwarded in two forms',
      { trustedProxies: ['127.0.0.1'] },
      (bytes) =>
        request(0, 0, `Host: a\r\nX-Forwarded-For: ${Array(Math.ceil(bytes / 10)).fill('192.0.2.1')}`),
    ],
    [
      'fields that a route adds',
      {
        routes: [
          {
            id: 'dogs',
            path: '/dogs',
            upstream: 'dogs',
            request_headers: { add: { B: ['{host}', 'c'.repeat(5000)] } },
          },
        ],
      },
      (bytes) => request(0, bytes),
    ],
    [
      'a path that a route makes longer',
      { routes: [{ id: 'dogs', path: '/dogs', upstream: 'dogs', rewrite: `/${'d'.repeat(5000)}` }] },
      (bytes) => request(0, bytes),
    ],
    ['HTTP/1.0 without a host', {}, (bytes) => request(8000, bytes).replace('1.1\r\nHost: a', '1.0')],
  ])('%s', async (_, overrides, head) => {
    await using upstream = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('ok') })
    await using gateway = startGateway(`http://127.0.0.1:${upstream.port}`, overrides)
    const ask = async (bytes: number) => {
      using client = await rawClient(gateway.port, head(bytes))
      return await client.until(/ok$|\}$/)
    }
    // The service takes the largest head that the gateway passes on, and the next one is the gateway's to reject.
    let [fits, tooLarge] = [0, 15_000]
    while (tooLarge - fits > 1) {
      const middle = Math.floor((fits + tooLarge) / 2)
      const response = await ask(middle)
      if (response.startsWith('HTTP/1.1 200 ')) fits = middle
      else tooLarge = middle
      expect(response).toMatch(/^HTTP\/1\.1 (200 [^]*ok$|431 [^]*application\/problem\+json)/)
    }
    expect(fits).toBeGreaterThan(2000)
    expect(tooLarge).toBeLessThan(15_000)
  })
})

describe('interim responses', () => {
  test('pass, without what belongs to the upstream’s connection', async () => {
    using upstream = await cannedUpstream(
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}`,
    )
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask()).toStartWith(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n',
    )
    expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
  })

  test('100 Continue comes from the upstream, not from the gateway', async () => {
    using upstream = await rawUpstream((received, socket) => {
      socket.write(received.endsWith('body') ? OK : 'HTTP/1.1 100 Continue\r\n\r\n')
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n',
    )
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    client.socket.write('body')
    expect(await client.until(/ok$/)).not.toContain('Connection: close')
  })

  test('an error from the upstream after Expect passes without waiting for the body', async () => {
    using upstream = await cannedUpstream('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno')
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n',
    )
    expect(await client.until(/no$/)).toContain('\r\nConnection: close\r\n')
  })

  const expecting = (value: string, version = '1.1') =>
    `POST /dogs/ HTTP/${version}\r\nHost: a\r\nExpect: ${value}\r\nContent-Length: 0\r\n\r\n`

  test.each([
    ['100-CONTINUE', 1],
    ['100-continue, 100-Continue', 1],
    ['100-continue\r\nexpect: 100-continue', 1],
    [' 100-continue ,', 1],
    ['', 0],
    [', ,', 0],
  ])('the expectation %j reaches the upstream as every server knows it, once', async (value, lines) => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    await gateway.ask(expecting(value))
    const expected = Array.from({ length: lines }, () => 'Expect: 100-continue')
    expect(upstream.heads[0]!.split('\r\n').filter((line) => /^expect/i.test(line))).toEqual(expected)
  })

  test.each(['tea', '100-continue, tea', '100-continue;q=1', '"100-continue"', '100-continue 100-continue'])(
    'another expectation is rejected: %s',
    async (value) => {
      using upstream = await recordingUpstream()
      await using gateway = startGateway(upstream.url)
      expect(await gateway.ask(expecting(value), /\}$/)).toStartWith('HTTP/1.1 417 Expectation Failed\r\n')
      expect(upstream.requests).toEqual([])
    },
  )

  test.each(['100-continue', 'tea'])('HTTP/1.0 has no expectations: %s', async (value) => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    await gateway.ask(expecting(value, '1.0'))
    expect(upstream.heads[0]).not.toMatch(/^expect/im)
  })
})

describe('a response without a body', () => {
  test.each([
    ['HEAD', '200 OK', 'Content-Length: 42\r\n', /content-length: 42/i],
    ['HEAD', '200 OK', 'Transfer-Encoding: chunked\r\n', /transfer-encoding: chunked/i],
    ['HEAD', '200 OK', '', /^HTTP/],
    ['GET', '304 Not Modified', 'ETag: "a"\r\nContent-Length: 42\r\n', /etag: "a"/i],
    ['GET', '204 No Content', '', /^HTTP/],
  ])('ends with its head: %s %s %j', async (method, status, fields, expected) => {
    using upstream = await cannedUpstream(`HTTP/1.1 ${status}\r\n${fields}\r\n`)
    await using gateway = startGateway(upstream.url)
    const ask = `${method} /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n`
    using client = await rawClient(gateway.port, ask + ask)
    const received = await client.until(/(HTTP[^]*?\r\n\r\n){2}$/)
    expect(received).toMatch(expected)
    expect(received.match(new RegExp(`HTTP/1.1 ${status}`, 'g'))).toHaveLength(2)
    expect(await gateway.counted()).toEqual({ [`${method} dogs ${status.slice(0, 3)}`]: 2 })
  })

  test('a 204 has no length either, also if the upstream sends one', async () => {
    using upstream = await cannedUpstream('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n')
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask(ASK, /\r\n\r\n$/)).not.toMatch(/content-length/i)
  })
})

test.each([
  ['without', ''],
  ['with', 'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n'],
])('a response that ends with its connection becomes chunks, %s a date', async (_, date) => {
  using upstream = await rawUpstream((__, socket) => socket.end(`HTTP/1.1 200 OK\r\n${date}\r\nwoof`))
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, ASK)
  const received = await client.until(/0\r\n\r\n$/)
  expect(received).toContain('\r\nTransfer-Encoding: chunked\r\n')
  expect(received).toEndWith('\r\n\r\n4\r\nwoof\r\n0\r\n\r\n')
  // The client's connection stays.
  client.socket.write(ASK)
  await client.until(/(woof\r\n0\r\n\r\n[^]*){2}$/)
})

describe('trailers', () => {
  const CHUNKED =
    'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA-Sum: 1\r\nContent-Length: 9\r\nX_Y: 1\r\n\r\n'
  test('of a response pass to clients that accept them, without those that would change the message', async () => {
    using upstream = await cannedUpstream(`HTTP/1.1 200 OK\r\n${CHUNKED}`)
    await using gateway = startGateway(upstream.url)
    const takes = ASK.replace('\r\n\r\n', '\r\nTE: deflate;q=0.5, Trailers\r\nConnection: TE\r\n\r\n')
    expect(await gateway.ask(takes, /\r\n\r\n$/)).toEndWith('2\r\nok\r\n0\r\nA-Sum: 1\r\n\r\n')
    expect(upstream.heads[0]).toContain('\r\nConnection: TE\r\nTE: trailers\r\n')
    expect(await gateway.ask(ASK, /0\r\n\r\n$/)).toEndWith('2\r\nok\r\n0\r\n\r\n')
  })

  test('of a request pass', async () => {
    let seen = ''
    using upstream = await rawUpstream((received, socket) => {
      seen = received
      if (received.includes('0\r\n')) socket.write(OK)
    })
    await using gateway = startGateway(upstream.url)
    await gateway.ask(`POST /dogs/ HTTP/1.1\r\nHost: a\r\n${CHUNKED}`)
    expect(seen).toEndWith('2\r\nok\r\n0\r\nA-Sum: 1\r\n\r\n')
  })

  test('that `Connection` names do not pass, in either direction', async () => {
    const body = '2\r\nok\r\n0\r\nA-Sum: 1\r\nHop: 2\r\n\r\n'
    const fields = `Connection: hop, TE\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n`
    let seen = ''
    using upstream = await rawUpstream((received, socket) => {
      seen = received
      if (/0\r\n[^]*\r\n\r\n$/.test(received)) socket.write(`HTTP/1.1 200 OK\r\n${fields}${body}`)
    })
    await using gateway = startGateway(upstream.url)
    const response = await gateway.ask(
      `POST /dogs/ HTTP/1.1\r\nHost: a\r\n${fields}${body}`,
      /0\r\n[^]*\r\n\r\n$/,
    )
    for (const received of [seen, response]) expect(received).toEndWith('2\r\nok\r\n0\r\nA-Sum: 1\r\n\r\n')
  })
})

test('a client that was idle for almost its whole time has all the time that its response takes', async () => {
  using upstream = await namedUpstream('slow')
  // The connection to the upstream is kept: opening one would be progress, too.
  await using gateway = startGateway(upstream.url, { timeouts: { poolIdleMs: 1e9 } })
  using client = await rawClient(gateway.port, ASK)
  await client.until(/slow$/)
  upstream.state.does = 'nothing'
  gateway.advance(74_900)
  client.socket.write(ASK)
  await until(() => upstream.asked.length === 2)
  gateway.advance(30_000)
  for (const socket of upstream.sockets) socket.write(upstream.response)
  expect(await client.until(/slow[^]*(slow|\})$/)).toEndWith('slow')
  // From now on it is idle again.
  gateway.advance(74_900)
  expect(gateway.server.connections()).toBe(1)
  gateway.advance(200)
  await client.untilClosed()
})

test('a connection whose request is not yet sent as a whole is not used again', async () => {
  // For the first request, and for the head and a part of the body of the second.
  using upstreams = limitedRoom('upstreams', 2000)
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url)
  const post = (bytes: number) =>
    `POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`
  await gateway.ask(post(1))
  await gateway.ask(post(2000))
  expect(upstream.connections()).toBe(1)
  upstreams.room = Infinity
  await gateway.ask(post(1))
  expect(upstream.connections()).toBe(2)
})

test('connections to the upstream are used again, until they are idle for too long', async () => {
  let connections = 0
  using upstream = await rawUpstream((received, socket) => {
    if (received.indexOf('GET') === received.lastIndexOf('GET')) connections++
    socket.write(OK)
  })
  await using gateway = startGateway(upstream.url)
  for (let i = 0; i < 5; i++) await gateway.ask()
  expect(connections).toBe(1)
  gateway.advance(1100)
  while (upstream.sockets.size > 0) await new Promise(setImmediate)
  await gateway.ask()
  expect(connections).toBe(2)
})
