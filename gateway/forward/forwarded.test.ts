/**
 * Attack: header injection. Clients send fields that the gateway writes, in every spelling, to be taken for another
 * client; upstreams send hop-by-hop fields.
 */
import { describe, expect, test } from 'bun:test'
import { cannedUpstream, OK, rawClient, startGateway, temporaryFolder, until } from '../testing.ts'

/** The lines that the upstream got, without those that are always there. */
async function sent(
  fields: string,
  overrides: Parameters<typeof startGateway>[1] = {},
  target = '/dogs/?limit=1',
): Promise<string[]> {
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url, overrides)
  await gateway.ask(`GET ${target} HTTP/1.1\r\nHost: pets.example:8000\r\n${fields}\r\n`)
  return upstream.heads[0]!.split('\r\n').slice(1)
}

const OURS = [
  'Via: 1.1 bun-monitoring',
  'X-Forwarded-For: 127.0.0.1',
  'X-Real-IP: 127.0.0.1',
  'X-Forwarded-Host: pets.example:8000',
  'X-Forwarded-Proto: http',
  'Forwarded: for=127.0.0.1;host="pets.example:8000";proto=http',
  expect.stringMatching(/^X-Request-Id: [\da-f]{32}$/),
  expect.stringMatching(/^traceparent: 00-[\da-f]{32}-[\da-f]{16}-01$/),
]
const HOST = 'Host: pets.example:8000'

describe('to the upstream', () => {
  test('the gateway adds client, host, protocol and ids', async () => {
    expect(await sent('User-Agent: k6\r\nA:\r\n')).toEqual([HOST, 'User-Agent: k6', 'A: ', ...OURS])
  })

  test('the ids are new for each request and agree with each other', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(300))
    await until(() => upstream.heads.length === 300)
    client.socket.destroy()
    const ids = upstream.heads.map((head) =>
      /X-Request-Id: (\w+)\r\ntraceparent: 00-(\w+)-(\w+)-/.exec(head)!,
    )
    expect(new Set(ids.map(([, id]) => id)).size).toBe(300)
    // The span has random bytes of its own.
    expect(ids.some(([, , trace, span]) => trace!.includes(span!))).toBe(false)
    expect(ids.every(([, request, trace]) => request === trace)).toBe(true)
  })

  test('hop-by-hop fields do not pass, nor do those that Connection names', async () => {
    const fields =
      'Connection: X-Hop, close,,\r\nX-Hop: 1\r\nconnection: x-other\r\nX-Other: 1\r\nKeep-Alive: timeout=5\r\n' +
      'Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nTE: gzip, xtrailers\r\nX-End: 2\r\n'
    expect(await sent(fields)).toEqual([HOST, 'X-End: 2', ...OURS])
  })

  test('a name that is one letter off is another name', async () => {
    const fields = '#onnection: X-Hop\r\nX-Hop: 1\r\nVua: 1\r\nContent-Lengti: 5\r\n'
    expect(await sent(fields)).toEqual([
      HOST,
      '#onnection: X-Hop',
      'X-Hop: 1',
      'Vua: 1',
      'Content-Lengti: 5',
      ...OURS,
    ])
  })

  test('Connection cannot remove the gateway’s fields, nor Host, nor the framing', async () => {
    const fields =
      'Connection: Host, Via, X-Forwarded-For, X-Request-Id, Content-Length\r\nContent-Length: 0\r\n'
    expect(await sent(fields)).toEqual([HOST, 'Content-Length: 0', ...OURS])
  })

  test('a client’s own forwarding fields are replaced, in any case of letters', async () => {
    const fields =
      'X-Forwarded-For: 1.2.3.4\r\nx-forwarded-host: bank.example\r\nX-FORWARDED-PROTO: https\r\n' +
      'X-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /a\r\nX-Forwarded-Server: b\r\nX-Real-IP: 1.2.3.4\r\n' +
      'Forwarded: for=1.2.3.4\r\nX-Request-Id: mine\r\nVia: 1.0 proxy\r\n'
    expect(await sent(fields)).toEqual([HOST, 'Via: 1.0 proxy', ...OURS])
  })

  test('names with underscores do not pass: some programs take them for names with dashes', async () => {
    const fields = 'X_Forwarded_For: 1.2.3.4\r\nX_Real-IP: 1\r\n_: a\r\nX-End: 2\r\n'
    expect(await sent(fields)).toEqual([HOST, 'X-End: 2', ...OURS])
  })

  test('a trace continues, with its state', async () => {
    const trace = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const lines = await sent(`${trace}\r\ntracestate: a=b\r\n`)
    expect(lines).toEqual([HOST, trace, 'tracestate: a=b', ...OURS.slice(0, -1)])
  })

  test.each([
    '00-0-0-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntraceparent: 00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  ])('an invalid trace is replaced, and its state dropped: %s', async (value) => {
    expect(await sent(`traceparent: ${value}\r\ntracestate: a=b\r\n`)).toEqual([HOST, ...OURS])
  })

  test('the fields of a trusted peer are continued', async () => {
    const fields =
      'X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nX-Forwarded-Host: shop.example\r\n' +
      'X-Forwarded-Proto: https\r\nX-Request-Id: theirs\r\n' +
      'Forwarded: for=1.2.3.4;by=_a;proto=HTTPS, for="5.6.7.8:9";host=Shop.Example\r\n'
    const lines = await sent(fields, { trustedProxies: ['10.0.0.0/8', '127.0.0.0/8'] })
    expect(lines).toEqual([
      HOST,
      'X-Request-Id: theirs',
      'Via: 1.1 bun-monitoring',
      'X-Forwarded-For: 1.2.3.4, 5.6.7.8, 127.0.0.1',
      'X-Real-IP: 5.6.7.8',
      'X-Forwarded-Host: shop.example',
      'X-Forwarded-Proto: https',
      'Forwarded: for=1.2.3.4;by=_a;proto=HTTPS, for="5.6.7.8:9";host=Shop.Example, for=127.0.0.1',
      OURS.at(-1),
    ])
  })

  test.each<[string, string, string[]]>([
    [
      'X-Forwarded-* alone makes Forwarded',
      'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n',
      [
        'X-Forwarded-For: 203.0.113.7, 127.0.0.1',
        'X-Real-IP: 203.0.113.7',
        'X-Forwarded-Host: shop.example',
        'X-Forwarded-Proto: https',
        'Forwarded: for=203.0.113.7;host="shop.example";proto=https, for=127.0.0.1',
      ],
    ],
    [
      'a protocol alone, in two equal lines, is that of Forwarded',
      'X-Forwarded-Proto: https\r\nX-Forwarded-Proto: HTTPS\r\n',
      [
        'X-Forwarded-For: 127.0.0.1',
        'X-Real-IP: 127.0.0.1',
        'X-Forwarded-Host: pets.example:8000',
        'X-Forwarded-Proto: https',
        'Forwarded: for=127.0.0.1;host="pets.example:8000";proto=https',
      ],
    ],
    [
      'two protocols are none',
      'X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n',
      [
        'X-Forwarded-For: 127.0.0.1',
        'X-Real-IP: 127.0.0.1',
        'X-Forwarded-Host: pets.example:8000',
        'X-Forwarded-Proto: http',
        'Forwarded: for=127.0.0.1;host="pets.example:8000";proto=http',
      ],
    ],
    [
      'Forwarded alone makes X-Forwarded-*',
      'Forwarded: For="[2001:db8::7]:4711";proto=https;host="shop.example, a", for=10.0.0.1\r\n',
      [
        'X-Forwarded-For: 2001:db8::7, 10.0.0.1, 127.0.0.1',
        'X-Real-IP: 2001:db8::7',
        'X-Forwarded-Host: shop.example, a',
        'X-Forwarded-Proto: https',
        'Forwarded: For="[2001:db8::7]:4711";proto=https;host="shop.example, a", for=10.0.0.1, for=127.0.0.1',
      ],
    ],
    [
      'port, prefix and real address pass',
      'X-Real-IP: 203.0.113.9\r\nX-Forwarded-Port: 8443\r\nX-Forwarded-Prefix: /shop\r\n',
      [
        'X-Forwarded-For: 127.0.0.1',
        'X-Real-IP: 203.0.113.9',
        'X-Forwarded-Host: pets.example:8000',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Port: 8443',
        'Forwarded: for=127.0.0.1;host="pets.example:8000";proto=http',
        'X-Forwarded-Prefix: /shop',
      ],
    ],
    [
      'only addresses become nodes of Forwarded',
      'X-Forwarded-For: a;proto=https, 2001:db8::1, 1.2.3.4:5\r\nX-Forwarded-Host: a";by=b\r\nX-Real-IP: me\r\n',
      [
        'X-Forwarded-For: a;proto=https, 2001:db8::1, 1.2.3.4:5, 127.0.0.1',
        'X-Real-IP: 1.2.3.4',
        'X-Forwarded-Host: a";by=b',
        'X-Forwarded-Proto: http',
        'Forwarded: for=unknown;host="a\\";by=b";proto=http, for="[2001:db8::1]", for="1.2.3.4:5", for=127.0.0.1',
      ],
    ],
  ])('of a trusted proxy %s', async (_, fields, expected) => {
    const lines = await sent(fields, { trustedProxies: ['10.0.0.0/8', '127.0.0.0/8'] })
    expect(lines).toEqual([HOST, OURS[0], ...expected, ...OURS.slice(-2)])
  })

  test.each([
    ['for=1.2.3.4', 'for=1.2.3.4, for=127.0.0.1;host="pets.example:8000";proto=http'],
    ['for=1.2.3.4;proto=https', 'for=1.2.3.4;proto=https, for=127.0.0.1;host="pets.example:8000"'],
    ['for=1.2.3.4;host=a', 'for=1.2.3.4;host=a, for=127.0.0.1;proto=http'],
    [
      'for=1.2.3.4, for=10.0.0.1;proto=https',
      'for=1.2.3.4, for=10.0.0.1;proto=https, for=127.0.0.1;host="pets.example:8000"',
    ],
    [
      'proto=https; for=_x ,, for=""',
      'proto=https; for=_x ,, for="", for=127.0.0.1;host="pets.example:8000"',
    ],
  ])('to Forwarded: %s the gateway adds what it does not say, once', async (value, expected) => {
    const lines = await sent(`Forwarded: ${value}\r\n`, { trustedProxies: ['127.0.0.0/8'] })
    expect(lines).toContain(`Forwarded: ${expected}`)
    const protocol = value.includes('https') ? 'https' : 'http'
    expect(lines).toContain(`X-Forwarded-Proto: ${protocol}`)
    expect(lines).toContain(`X-Forwarded-Host: ${value.includes('host=a') ? 'a' : 'pets.example:8000'}`)
  })

  test.each([
    ['another protocol', 'for=1.2.3.4;proto=http', 'X-Forwarded-Proto: https\r\n', 'for=1.2.3.4', 'https'],
    ['no protocol', 'for=1.2.3.4', 'X-Forwarded-Proto: https\r\n', 'for=1.2.3.4', 'https'],
    ['another host', 'for=1.2.3.4;host=b', 'X-Forwarded-Host: pets.example:8000\r\n', 'for=1.2.3.4', 'http'],
    ['other addresses', 'for=6.6.6.6, for=5.6.7.8', 'X-Forwarded-For: 5.6.7.8\r\n', 'for=5.6.7.8', 'http'],
    [
      'the same in another order',
      'for=5.6.7.8, for=9.9.9.9',
      'X-Forwarded-For: 5.6.7.8\r\n',
      'for=5.6.7.8',
      'http',
    ],
  ])('X-Forwarded-* replace Forwarded with %s', async (_, forwarded, fields, first, protocol) => {
    const lines = await sent(`Forwarded: ${forwarded}\r\n${fields}`, { trustedProxies: ['127.0.0.0/8'] })
    expect(lines).toContain(`Forwarded: ${first};host="pets.example:8000";proto=${protocol}, for=127.0.0.1`)
  })

  test.each([
    '',
    'for="1.2.3.4;proto=https',
    'for=1.2.3.4;proto=https"',
    'for=1.2.3.4;for=6.6.6.6;proto=https',
    'for=1.2.3.4 proto=https',
    'for = 1.2.3.4;proto=https',
    'for=;proto=https',
    '1.2.3.4;proto=https',
    'for=1.2.3.4;"proto"=https',
  ])('a malformed Forwarded says nothing: %s', async (value) => {
    const lines = await sent(`Forwarded: ${value}\r\n`, { trustedProxies: ['127.0.0.0/8'] })
    expect(lines).toEqual([HOST, ...OURS])
  })

  test.each([
    ['Proto: https, https', 'Proto: https', 'proto=https'],
    ['Proto: https,', 'Proto: https', 'proto=https'],
    ['Proto: , ', 'Proto: http', 'proto=http'],
    ['Proto: ', 'Proto: http', 'proto=http'],
    ['Proto: https, http', 'Proto: https, http', 'proto=https'],
    ['Host: shop, Shop', 'Host: shop', 'host="shop"'],
    ['Host: shop, inner', 'Host: shop, inner', 'host="shop"'],
    ['Host: shop\r\nX-Forwarded-Host: inner', 'Host: pets.example:8000', 'host="pets.example:8000"'],
    ['Port: 443, 443', 'Port: 443', 'proto=http'],
  ])('a list of equal items is one: X-Forwarded-%s', async (fields, expected, said) => {
    const lines = await sent(`X-Forwarded-${fields}\r\n`, { trustedProxies: ['127.0.0.0/8'] })
    const name = expected.slice(0, expected.indexOf(':'))
    expect(lines.filter((line) => line.startsWith(`X-Forwarded-${name}`))).toEqual([
      `X-Forwarded-${expected}`,
    ])
    expect(lines.find((line) => line.startsWith('Forwarded: for=127.0.0.1;'))).toContain(said)
  })

  test('an empty id of a trusted proxy is replaced', async () => {
    const lines = await sent('X-Request-Id: \r\n', { trustedProxies: ['127.0.0.0/8'] })
    expect(lines).toEqual([HOST, ...OURS])
  })

  test('strip adds the prefix that it removes, behind that of a trusted proxy', async () => {
    const routes = [{ id: 'dogs', path: '/dogs', upstream: 'dogs', strip: true }]
    const prefix = async (fields: string, trustedProxies: string[]) =>
      (await sent(fields, { routes, trustedProxies })).filter((line) => line.startsWith('X-Forwarded-Prefix'))
    expect(await prefix('', [])).toEqual(['X-Forwarded-Prefix: /dogs'])
    const outer = 'X-Forwarded-Prefix: /pets\r\n'
    expect(await prefix(outer, ['127.0.0.1'])).toEqual(['X-Forwarded-Prefix: /pets/dogs'])
    expect(await prefix(outer, [])).toEqual(['X-Forwarded-Prefix: /dogs'])
    for (const empty of ['', '/', '//'])
      expect(await prefix(`X-Forwarded-Prefix: ${empty}\r\n`, ['127.0.0.1'])).toEqual([
        'X-Forwarded-Prefix: /dogs',
      ])
    const slash = 'X-Forwarded-Prefix: /pets/\r\n'
    expect(await prefix(slash, ['127.0.0.1'])).toEqual(['X-Forwarded-Prefix: /pets/dogs'])
  })

  test.each([
    ['/pets/dogs', '/dogs', ['X-Forwarded-Prefix: /pets']],
    ['/dogs', '/', ['X-Forwarded-Prefix: /dogs']],
    ['/dogs', '/dogs', []],
    ['/dogs', '/v2/dogs', []],
    ['/pets/dogs', '/cats', []],
    ['/pets/xdogs', '/dogs', []],
    ['/', '/', []],
  ])(
    'rewrite of %s to %s adds the beginning that it removes, if it keeps the rest',
    async (path, rewrite, expected) => {
      const routes = [{ id: 'dogs', path, upstream: 'dogs', rewrite }]
      const lines = await sent('', { routes }, path === '/' ? '/' : `${path}/1`)
      expect(lines.filter((line) => line.startsWith('X-Forwarded-Prefix'))).toEqual(expected)
    },
  )

  test.each([
    [['unix:'], '203.0.113.7', 'X-Forwarded-For: 203.0.113.7'],
    [['10.0.0.0/8'], 'unknown', 'X-Forwarded-For: unknown'],
  ])('a client on a unix socket with %j is %s', async (trustedProxies, client, line) => {
    using folder = temporaryFolder()
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url, { trustedProxies, accessLog: 'all' })
    const unix = `${folder.path}/gateway.sock`
    gateway.server.serveOn({ unix })
    await (await fetch('http://a/dogs/', { unix, headers: { 'X-Forwarded-For': '203.0.113.7' } })).text()
    const lines = upstream.heads[0]!.split('\r\n')
    expect(lines).toContain(line)
    const real = client === 'unknown' ? [] : [`X-Real-IP: ${client}`]
    expect(lines.filter((each) => each.startsWith('X-Real-IP'))).toEqual(real)
    expect(gateway.logged()).toMatchObject([{ client }])
  })

  test.each([
    ['1.2.3.4, 203.0.113.7, 10.1.1.1, 127.0.0.9', '203.0.113.7'],
    ['10.1.1.1, 127.0.0.9', '10.1.1.1'],
    ['1.2.3.4, unknown, 10.1.1.1', '127.0.0.1'],
    ['1.2.3.4, 203.0.113.7:4711, 10.1.1.1:80', '203.0.113.7'],
    ['1.2.3.4, [2001:db8::7]:4711, ::ffff:10.1.1.1', '2001:db8::7'],
    ['1.2.3.4, ::ffff:203.0.113.7, ::FFFF:0a01:0101', '203.0.113.7'],
    ['1.2.3.4, fe80::1%eth0', 'fe80::1'],
    ['1.2.3.4, 999.1.1.1', '127.0.0.1'],
    ['203.0.113.7,, 10.1.1.1,', '203.0.113.7'],
  ])('the client behind the trusted proxies in %s is %s, also in the log', async (chain, client) => {
    using upstream = await cannedUpstream(OK)
    const trustedProxies = ['10.0.0.0/8', '127.0.0.0/8']
    await using gateway = startGateway(upstream.url, { trustedProxies, accessLog: 'all' })
    await gateway.ask(`GET /dogs/ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${chain}\r\n\r\n`)
    await gateway.ask(`GET /none HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${chain}\r\n\r\n`, /\}$/)
    await gateway.ask(`GET //none HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${chain}\r\n\r\n`, /\}$/)
    expect(upstream.heads[0]!.split('\r\n')).toContain(`X-Real-IP: ${client}`)
    expect(gateway.logged()).toMatchObject([{ client }, { client }, { client }])
  })

  test('a client that hides behind `unknown` is no trusted proxy on a unix socket', async () => {
    const lines = await sent('X-Forwarded-For: 6.6.6.6, unknown\r\n', {
      trustedProxies: ['unix:', '127.0.0.1'],
    })
    expect(lines).toContain('X-Real-IP: 127.0.0.1')
  })

  test('the order of lines of one name stays', async () => {
    expect(await sent('A: 1\r\nB: 2\r\nA: 3\r\n')).toEqual([HOST, 'A: 1', 'B: 2', 'A: 3', ...OURS])
  })
})

describe('Max-Forwards', () => {
  test.each([
    ['OPTIONS', '2', 'Max-Forwards: 1'],
    ['GET', '2', 'Max-Forwards: 2'],
    ['GET', '0', 'Max-Forwards: 0'],
  ])('of %s %s is forwarded as %s', async (method, value, expected) => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    await gateway.ask(`${method} /dogs/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: ${value}\r\n\r\n`)
    expect(upstream.heads[0]!.split('\r\n')).toContain(expected)
  })

  test('of OPTIONS 0 gets a local reply, and so does OPTIONS *', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    const last = await gateway.ask(
      'OPTIONS /dogs/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n',
      /\r\n\r\n$/,
    )
    expect(last).toStartWith('HTTP/1.1 204 No Content\r\n')
    expect(last).toContain('\r\nAllow: GET, HEAD, ')
    expect(await gateway.ask('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', /\r\n\r\n$/)).toStartWith(
      'HTTP/1.1 204 ',
    )
    expect(upstream.heads).toEqual([])
  })

  test.each(['-1', 'a', ''])('that is not a number is rejected: "%s"', async (value) => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const text = `OPTIONS /dogs/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: ${value}\r\n\r\n`
    expect(await gateway.ask(text, /\}$/)).toStartWith('HTTP/1.1 400 ')
  })
})

describe('to the client', () => {
  test('the fields of the upstream pass, without hop-by-hop fields', async () => {
    using upstream = await cannedUpstream(
      'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nContent-Encoding: br\r\nLocation: /dogs/1/\r\n' +
        'Set-Cookie: a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT\r\nSet-Cookie: b=2\r\nKeep-Alive: timeout=5\r\n' +
        'Connection: X-Hop\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\n\r\n',
    )
    await using gateway = startGateway(upstream.url)
    expect((await gateway.ask(undefined, /\r\n\r\n$/)).trimEnd().split('\r\n')).toEqual([
      'HTTP/1.1 302 Found',
      'Content-Length: 0',
      'Content-Encoding: br',
      'Location: /dogs/1/',
      'Set-Cookie: a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT',
      'Set-Cookie: b=2',
      'Date: Mon, 01 Jan 2001 00:00:00 GMT',
    ])
  })

  test('a response that needs no change is forwarded byte for byte', async () => {
    const response =
      'HTTP/1.1 200 Fine, thanks\r\ndate:Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Length:  2 \r\nX_Y:\t1\r\n\r\nok'
    using upstream = await cannedUpstream(response)
    await using gateway = startGateway(upstream.url)
    for (let i = 0; i < 3; i++) expect(await gateway.ask()).toBe(response)
  })

  test('a Date is added if there is none', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    expect(await gateway.ask()).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n/)
  })
})

test('equal requests of two clients get different fields', async () => {
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url)
  const port = gateway.server.serveOn({ hostname: '127.0.0.2', port: 0, reusePort: false })
  await gateway.ask()
  using other = await rawClient(port, 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n', {
    host: '127.0.0.2',
    localAddress: '127.0.0.3',
  })
  await other.until(/ok$/)
  expect(upstream.heads.map((head) => /X-Forwarded-For: (.*)/.exec(head)![1])).toEqual([
    '127.0.0.1',
    '127.0.0.3',
  ])
})
