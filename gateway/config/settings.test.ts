import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ConfigError, type Environment, settingsTable } from '@bun-monitoring/prefork'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kinds } from '../../services/testing_kinds.ts'
import { Certificates } from '../testdata/certificates.ts'
import { HOST } from './hosts.ts'
import { PREFIX, readGatewayConfig, schema } from './settings.ts'

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'gateway-'))))
afterAll(() => rmSync(folder, { recursive: true }))

async function fileWith(text: string): Promise<string> {
  const path = join(folder, 'gateway.toml')
  await Bun.write(path, text)
  return path
}

function problemsOf(env: Environment): readonly string[] {
  try {
    readGatewayConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const TARGET =
  'an address like http://dogs:8001, https://dogs:8443, unix:/run/dogs.sock or unix:/run/dogs.*.sock'
const UPSTREAMS = `
[[upstream]]
name = "dogs"
targets = ["http://127.0.0.1:1"]
[[upstream]]
name = "cats"
targets = ["http://127.0.0.1:2"]
`
const ROUTE = `
[[route]]
id = "dogs"
path = "/dogs"
upstream = "dogs"
`

test.each([{}, { GATEWAY_CONFIG: '' }])(
  'the committed file sends the path of each service to this machine: %j',
  (env) => {
    expect(readGatewayConfig(env)).toMatchObject({
      port: 8000,
      adminPort: 9000,
      limits: {
        lineBytes: 8192,
        headersBytes: 15_360,
        headersCount: 100,
        headBytes: 16_384,
        bodyBytes: 75_000_000,
      },
      timeouts: {
        requestHeaderMs: 10_000,
        bodyStallMs: 30_000,
        connectMs: 1000,
        responseHeaderMs: 35_000,
        clientIdleMs: 75_000,
        poolIdleMs: 1000,
      },
      log: { access: 'errors' },
      trustedProxies: [],
      upstreams: kinds.map(({ name, defaults }) =>
        Object.assign({}, upstream, { name, targets: [`http://127.0.0.1:${defaults.port}`] }),
      ),
      routes: kinds.map(({ name }) => ({ id: name, path: `/${name}`, upstream: name })),
    })
  },
)

const upstream = {
  health: { path: '/healthz', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 3 },
  maxConnections: 1024,
  queue: 1024,
  queueMs: 5000,
}

test('tables that are left out have the defaults that the committed file spells out', async () => {
  const { limits, timeouts, log, trustedProxies } = readGatewayConfig({})
  const config = readGatewayConfig({ GATEWAY_CONFIG: await fileWith(UPSTREAMS + ROUTE) })
  expect(config).toMatchObject({ limits, timeouts, log, trustedProxies })
})

describe('a variable in the file', () => {
  test('is filled from the environment', () => {
    expect(readGatewayConfig({ DOGS_URL: 'http://dogs:8001' }).upstreams[0]?.targets).toEqual([
      'http://dogs:8001',
    ])
  })
  test('has its default if it is empty', () => {
    expect(readGatewayConfig({ DOGS_URL: '' }).upstreams[0]?.targets).toEqual(['http://127.0.0.1:8001'])
  })
  test('cannot break out of its string', () => {
    const DOGS_URL = 'http://a:1"]\n[[route]]\nid = "evil"\n${CATS_URL}'
    expect(problemsOf({ DOGS_URL })).toEqual([
      `upstream[0].targets[0]: ${JSON.stringify(DOGS_URL)} is not allowed: must be ${TARGET}`,
    ])
  })
  test('that is missing is reported with key path and name', async () => {
    const config = await fileWith(UPSTREAMS.replace('http://127.0.0.1:1', 'http://${DOGS_HOST}:1') + ROUTE)
    expect(problemsOf({ GATEWAY_CONFIG: config })).toContain(
      'upstream[0].targets[0]: DOGS_HOST is not set and has no default',
    )
  })
})

describe('a bad file is rejected with every problem by key path', () => {
  test.each<[string, string, string[]]>([
    ['empty', '', ['route: is missing: must be at least one [[route]] table']],
    [
      'unknown keys',
      `cache = true\n${UPSTREAMS}weight = 1\n${ROUTE}hostname = "x"\n[limits]\nbody = 1`,
      [
        expect.stringMatching(/^cache: there is no such key; known: listen, limits, .*upstream, route$/),
        expect.stringMatching(/^limits\.body: there is no such key; known: line_bytes, .*body_bytes/),
        expect.stringMatching(/^upstream\[1\]\.weight: there is no such key; known: name, targets, /),
        expect.stringMatching(/^route\[0\]\.hostname: there is no such key; known: id, host, /),
      ],
    ],
    [
      'bad values',
      `[timeouts]
       response_header_ms = 0
       [limits]
       body_bytes = "1 MB"
       [[upstream]]
       name = "Dogs"
       targets = ["ftp://127.0.0.1"]
       [[upstream]]
       name = "dogs"
       targets = []
       [[route]]
       id = "dogs"
       path = "/dogs/"`,
      [
        'limits.body_bytes: "1 MB" is not allowed: must be an integer from 0 to 9007199254740991',
        'timeouts.response_header_ms: 0 is not allowed: must be an integer from 1 to 9007199254740991',
        'upstream[0].name: "Dogs" is not allowed: must be a name of lower-case letters, digits, - and _',
        'upstream[1].targets: [] is not allowed: must be a list of addresses',
        'route[0].path: "/dogs/" is not allowed: must be a path like /dogs, without a slash or * at its end',
        'route[0]: must have one of upstream, respond, redirect; has none',
        `upstream[0].targets[0]: "ftp://127.0.0.1" is not allowed: must be ${TARGET}`,
      ],
    ],
    [
      'an unknown upstream',
      UPSTREAMS + ROUTE + ROUTE.replaceAll('dogs', 'dgos'),
      ['route[1].upstream: no upstream is named "dgos"; known: dogs, cats'],
    ],
    [
      'keys that exclude each other',
      `trusted_proxies = ["10.0.0.0/33", "::1/128", "a"]
       [log]
       access = "some"
       ${UPSTREAMS}${ROUTE}
       methods = ["GET"]
       strip = true
       rewrite = "/a"
       ${ROUTE.replace('"dogs"', '"more"')}
       methods = ["HEAD", "get"]
       redirect = { location = "/a b" }
       ${ROUTE.replace('"dogs"', '"other"').replace('upstream = "dogs"', 'strip = true')}
       respond = { status = 99 }`,
      [
        'log.access: "some" is not allowed: must be one of off, errors, all',
        'route[1].methods[1]: "get" is not allowed: must be one of GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS',
        'route[1].redirect.location: "/a b" is not allowed: must be a URL, with {host}, {path} and {query}',
        'route[2].respond.status: 99 is not allowed: must be an integer from 200 to 599',
        'route[0]: strip and rewrite do not go together',
        'route[1]: must have one of upstream, respond, redirect; has upstream, redirect',
        'route[2].path: "/dogs" is taken by route[0]',
        'route[2].strip: is for routes with an upstream',
        'trusted_proxies[0]: "10.0.0.0/33" is not allowed: must be an address, a network like 10.0.0.0/8, or unix:',
        'trusted_proxies[2]: "a" is not allowed: must be an address, a network like 10.0.0.0/8, or unix:',
      ],
    ],
    [
      'names that are taken',
      UPSTREAMS.replace('cats', 'dogs') +
        ROUTE +
        ROUTE +
        ROUTE.replaceAll('"dogs"', '"page"').replace('/dogs', '/a'),
      [
        'upstream[1].name: "dogs" is taken by upstream[0]',
        'route[1].id: "dogs" is taken by route[0]',
        'route[2].id: "page" is taken by the gateway\'s own page',
        'route[1].path: "/dogs" is taken by route[0]',
        'route[2].upstream: no upstream is named "page"; known: dogs, dogs',
      ],
    ],
    [
      'other values in place of tables',
      'upstream = 1\nroute = [1]\nlimits = 1',
      [
        'limits: 1 is not allowed: must be a [limits] table',
        'upstream: 1 is not allowed: must be a list of [[upstream]] tables',
        'route[0]: 1 is not allowed: must be a [[route]] table',
        'route[0]: must have one of upstream, respond, redirect; has none',
      ],
    ],
    [
      'tables in place of lists of tables',
      '[listen]\naddress = "a:1"\n[upstream]\nname = "a"\n[trusted_proxies]\na = 1\n[route]\nid = "a"',
      [
        'listen: {"address":"a:1"} is not allowed: must be a list of [[listen]] tables',
        'trusted_proxies: {"a":1} is not allowed: must be a list of addresses and networks',
        'upstream: {"name":"a"} is not allowed: must be a list of [[upstream]] tables',
        'route: {"id":"a"} is not allowed: must be at least one [[route]] table',
      ],
    ],
    [
      'lists of tables in place of tables',
      '[[limits]]\nbody_bytes = 1\n[[errors]]\n404 = "a"',
      [
        expect.stringMatching(/^limits\[0\]: there is no such key; known: line_bytes, /),
        'errors: [{"404":"a"}] is not allowed: must be a table of statuses with a file or a URL',
        'route: is missing: must be at least one [[route]] table',
      ],
    ],
  ])('%s', async (_, text, problems) => {
    expect(problemsOf({ GATEWAY_CONFIG: await fileWith(text) })).toEqual(problems)
  })

  test.each([
    'http://dogs:0',
    'http://dogs:65536',
    'http://dogs:80:81',
    'http://[::1:8001',
    'http://1.2.3.4.5:8001',
    'http://do%gs:8001',
    'unix:/run/*/dogs.sock',
  ])('a target that is not an address: %s', (DOGS_URL) => {
    expect(problemsOf({ DOGS_URL })).toEqual([
      `upstream[0].targets[0]: "${DOGS_URL}" is not allowed: must be ${TARGET}`,
    ])
  })

  test.each([
    'pets.example:8000',
    '::1',
    '[::1',
    'pets..example',
    '-a.example',
    '*',
    '*.',
    '[::1]:80',
    '[::g]',
    '[1.2.3.4]',
    'https://a',
    'a.*.example',
    'a b',
  ])('a host that cannot match a request: %s', async (host) => {
    const config = await fileWith(`${UPSTREAMS}${ROUTE}host = "${host}"`)
    expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([
      `route[0].host: "${host}" is not allowed: must be ${HOST}`,
    ])
  })

  test.each([
    ['strip', 'true or false'],
    ['allow', 'a list of addresses and networks'],
    ['deny', 'a list of addresses and networks'],
    ['rate', 'a table with requests, per, burst and key'],
    ['limits', 'a table with body_bytes'],
    ['timeouts', 'a table with timeouts'],
    ['log', 'a table with access'],
    ['errors', 'a table of statuses with a file or a URL'],
    ['request_headers', 'a table with set, add and remove'],
    ['rewrite', 'a path that replaces the route’s, like /v2, without a slash or * at its end'],
  ])('a route whose %s is a number: must be %s', async (key, must) => {
    expect(problemsOf({ GATEWAY_CONFIG: await fileWith(`${UPSTREAMS}${ROUTE}${key} = 1`) })).toEqual([
      `route[0].${key}: 1 is not allowed: must be ${must}`,
    ])
  })

  test('a route whose upstream is a number: must be a name', async () => {
    const route = ROUTE.replace('upstream = "dogs"', 'upstream = 1')
    expect(problemsOf({ GATEWAY_CONFIG: await fileWith(UPSTREAMS + route) })).toEqual([
      'route[0].upstream: 1 is not allowed: must be the name of an upstream',
    ])
  })

  test.each([
    ['hosts = ["a.example", "*.b.example", "Bücher.example", "[::1]"]', []],
    ['hosts = ["*"]', [`route[0].hosts[0]: "*" is not allowed: must be ${HOST}`]],
    ['hosts = []', ['route[0].hosts: [] is not allowed: must be a list of hosts']],
    ['host = "a"\nhosts = ["b"]', ['route[0]: host and hosts exclude each other']],
    [
      'encoded_slashes = "pass"\nstrip = true',
      ['route[0].encoded_slashes: "pass" and strip exclude each other'],
    ],
    [
      'encoded_slashes = "no"',
      ['route[0].encoded_slashes: "no" is not allowed: must be one of reject, pass'],
    ],
    ['retries = 11', ['route[0].retries: 11 is not allowed: must be an integer from 0 to 10']],
    ['retries = 0\nretry_on = []', []],
    [
      'limits = { body_bytes = -1 }\ntimeouts = { connect_ms = 0 }',
      [
        'route[0].limits.body_bytes: -1 is not allowed: must be an integer from 0 to 9007199254740991',
        'route[0].timeouts.connect_ms: 0 is not allowed: must be an integer from 1 to 9007199254740991',
      ],
    ],
    [
      'request_headers = { set = { "Proxy-Connection" = "close" } }',
      ['route[0].request_headers.set: "Proxy-Connection" is written by the gateway'],
    ],
    ['request_headers = { set = { Host = "a", A = ["b", "c"] }, remove = ["B"] }', []],
    [
      'request_headers = { add = { Host = "a", "X-Request-Id" = "b" }, remove = ["a b"] }',
      [
        'route[0].request_headers.add: "Host" is written by the gateway',
        'route[0].request_headers.add: "X-Request-Id" is written by the gateway',
        'route[0].request_headers.remove: "a b" is not a field name',
      ],
    ],
    [
      'response_headers = { set = { Host = "a", "Transfer-Encoding" = "b", "" = "c" } }',
      [
        'route[0].response_headers.set: "Host" is written by the gateway',
        'route[0].response_headers.set: "Transfer-Encoding" is written by the gateway',
        'route[0].response_headers.set: "" is not a field name',
      ],
    ],
    [
      'response_headers = { set = { A = "b\\nc" } }',
      [
        'route[0].response_headers.set.A: "b\\nc" is not allowed: must be a string of printable ASCII, or a list of them',
      ],
    ],
  ])('a route with %s', async (keys, problems) => {
    expect(problemsOf({ GATEWAY_CONFIG: await fileWith(`${UPSTREAMS}${ROUTE}${keys}`) })).toEqual(problems)
  })

  test('two routes of equal hosts, in any spelling', async () => {
    const second = ROUTE.replace('id = "dogs"', 'id = "more"')
    const config = await fileWith(
      `${UPSTREAMS}${ROUTE}host = "A.example."\n${second}hosts = ["b", "a.EXAMPLE"]`,
    )
    expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual(['route[1].path: "/dogs" is taken by route[0]'])
    const others = config.replace('.toml', '-others.toml')
    await Bun.write(others, (await Bun.file(config).text()).replace('a.EXAMPLE', 'c.EXAMPLE'))
    expect(problemsOf({ GATEWAY_CONFIG: others })).toEqual([])
  })

  test.each([
    '$host',
    'https://$host$request_uri',
    'https://{host',
    'https://{port}',
    'https://{host}{path}?{query} ',
  ])('a redirect to %s', async (location) => {
    const route = ROUTE.replace('upstream = "dogs"', `redirect = { location = "${location}" }`)
    expect(problemsOf({ GATEWAY_CONFIG: await fileWith(UPSTREAMS + route) })).toEqual([
      `route[0].redirect.location: "${location}" is not allowed: must be a URL, with {host}, {path} and {query}`,
    ])
  })

  test.each([
    '[[route]]\nid = "all"\npath = "/"\nredirect = { location = "https://{host}{path}?{query}" }',
    '[[listen]]\naddress = "127.0.0.1:80"\nredirect = "https://{host}{path}?{query}"',
  ])('a file of redirects alone is right: %j', async (text) => {
    expect(problemsOf({ GATEWAY_CONFIG: await fileWith(text) })).toEqual([])
  })

  test('the causes of retries are a list', async () => {
    const route = ROUTE.replace('upstream = "dogs"', 'upstream = "dogs"\nretry_on = "gone"')
    expect(problemsOf({ GATEWAY_CONFIG: await fileWith(UPSTREAMS + route) })).toEqual([
      'route[0].retry_on: "gone" is not allowed: must be a list, each one of unreachable, connect_timeout, gone, answer_timeout',
    ])
  })

  test('a redirect has a status that sends clients elsewhere, 308 by default', async () => {
    const file = (status: string) =>
      fileWith(UPSTREAMS + ROUTE.replace('upstream = "dogs"', `redirect = { location = "/a"${status} }`))
    const statusOf = async (status: string) =>
      readGatewayConfig({ GATEWAY_CONFIG: await file(status) }).routes[0]!.redirect!.status
    expect(await statusOf('')).toBe(308)
    for (const status of [301, 302, 303, 307, 308])
      expect(await statusOf(`, status = ${status}`)).toBe(status)
    for (const status of [300, 304, 305, 306, 309])
      expect(problemsOf({ GATEWAY_CONFIG: await file(`, status = ${status}`) })).toEqual([
        `route[0].redirect.status: ${status} is not allowed: must be one of 301, 302, 303, 307, 308`,
      ])
  })

  test('a path with a star, which other gateways read as a pattern', async () => {
    const config = await fileWith(UPSTREAMS + ROUTE.replace('"/dogs"', '"/dogs/*"'))
    expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([
      'route[0].path: "/dogs/*" is not allowed: must be a path like /dogs, without a slash or * at its end',
    ])
  })

  test.each([204, 304])('a body with a status that has none: %d', async (status) => {
    const file = (body: string) =>
      fileWith(UPSTREAMS + ROUTE.replace('upstream = "dogs"', `respond = { status = ${status}${body} }`))
    expect(problemsOf({ GATEWAY_CONFIG: await file('') })).toEqual([])
    expect(problemsOf({ GATEWAY_CONFIG: await file(', body = "x"') })).toEqual([
      'route[0].respond.body: a response with this status has no body',
    ])
  })

  test('together with those of the environment', async () => {
    const config = await fileWith(UPSTREAMS + ROUTE.replace('upstream = "dogs"', 'upstream = "dgos"'))
    expect(problemsOf({ GATEWAY_CONFIG: config, GATEWAY_PORT: 'http', GATEWAY_PROT: '1' })).toEqual([
      'GATEWAY_PORT="http" is not allowed: must be an integer from 0 to 65535',
      'GATEWAY_PROT is not a setting: did you mean GATEWAY_PORT?',
      'route[0].upstream: no upstream is named "dgos"; known: dogs, cats',
    ])
  })
})

describe('a number has its bounds', () => {
  const MAX = Number.MAX_SAFE_INTEGER
  const inUpstream = (keys: string) =>
    `[[upstream]]\nname = "dogs"\ntargets = ["http://a:1"]\n${keys}\n${ROUTE}`
  const inRoute = (keys: string) => `${UPSTREAMS}${ROUTE}${keys}`
  const inTable = (table: string) => (keys: string) => `${UPSTREAMS}${ROUTE}[${table}]\n${keys}`
  const inHealth = (keys: string) => inUpstream(`health = { path = "/", ${keys} }`)

  type Bounds = [path: string, fileOf: (keys: string) => string, key: string, least: number, most: number]
  const inLimits = (key: string, least: number, most = MAX): Bounds => [
    `limits.${key}`,
    inTable('limits'),
    key,
    least,
    most,
  ]
  const anyTime = (key: string): Bounds => [`timeouts.${key}`, inTable('timeouts'), key, 1, MAX]
  const ofHealth = (key: string): Bounds => [`upstream[0].health.${key}`, inHealth, key, 1, MAX]

  test.each<Bounds>([
    inLimits('line_bytes', 64, 32_768),
    inLimits('headers_bytes', 256, 49_152),
    inLimits('headers_count', 1, 1000),
    inLimits('head_bytes', 1024, 1_048_576),
    inLimits('body_bytes', 0),
    inLimits('response_headers_bytes', 256, 1_048_576),
    inLimits('response_headers_count', 1, 10_000),
    inLimits('connections', 1),
    anyTime('handshake_ms'),
    anyTime('request_header_ms'),
    anyTime('body_stall_ms'),
    anyTime('connect_ms'),
    anyTime('response_header_ms'),
    anyTime('client_idle_ms'),
    anyTime('pool_idle_ms'),
    anyTime('tunnel_idle_ms'),
    ['log.errors_per_second', inTable('log'), 'errors_per_second', 1, MAX],
    ['upstream[0].max_connections', inUpstream, 'max_connections', 1, MAX],
    ['upstream[0].max_tunnels', inUpstream, 'max_tunnels', 0, MAX],
    ['upstream[0].queue', inUpstream, 'queue', 0, MAX],
    ['upstream[0].queue_ms', inUpstream, 'queue_ms', 1, MAX],
    ofHealth('interval_ms'),
    ofHealth('timeout_ms'),
    ofHealth('passes'),
    ofHealth('fails'),
    ['route[0].retries', inRoute, 'retries', 0, 10],
  ])('%s', async (path, fileOf, key, least, most) => {
    const problems = async (value: number) =>
      problemsOf({ GATEWAY_CONFIG: await fileWith(fileOf(`${key} = ${value}`)) })
    expect(await problems(least)).toEqual([])
    expect(await problems(most)).toEqual([])
    const must = `must be an integer from ${least} to ${most}`
    expect(await problems(least - 1)).toEqual([`${path}: ${least - 1} is not allowed: ${must}`])
    if (most < MAX) expect(await problems(most + 1)).toEqual([`${path}: ${most + 1} is not allowed: ${must}`])
  })

  test.each<[string, (value: string) => string, string[], string[]]>([
    [
      'log.sample_2xx',
      (value) => inTable('log')(`sample_2xx = ${value}`),
      ['0', '0.5', '1'],
      ['-0.1', '1.1'],
    ],
    [
      'upstream[0].health.expect[0]',
      (value) => inHealth(`expect = [${value}]`),
      ['200', '599'],
      ['199', '600'],
    ],
    [
      'route[0].rate.requests',
      (value) => inRoute(`rate = { requests = ${value}, per = "1s" }`),
      ['1', '1000000000'],
      ['0', '1000000001', '1.5'],
    ],
    [
      'route[0].rate.burst',
      (value) => inRoute(`rate = { requests = 1, per = "1s", burst = ${value} }`),
      ['1', '1000000000'],
      ['0', '1000000001'],
    ],
    [
      'route[0].rate.per',
      (value) => inRoute(`rate = { requests = 1, per = "${value}" }`),
      ['1ms', '2s', '10m', '1h', '999999999d'],
      ['0s', '01s', '1', 's', '1w', '1 s', '1s ', '-1s', '1.5s', '1000000000d', '1S'],
    ],
    [
      'route[0].respond.status',
      (value) => inRoute(`respond = { status = ${value} }`).replace('upstream = "dogs"\n', ''),
      ['200', '599'],
      ['199', '600'],
    ],
    ['route[0].limits.body_bytes', (value) => inRoute(`limits = { body_bytes = ${value} }`), ['0'], ['-1']],
    ...['body_stall_ms', 'connect_ms', 'response_header_ms', 'tunnel_idle_ms'].map(
      (key): [string, (value: string) => string, string[], string[]] => [
        `route[0].timeouts.${key}`,
        (value) => inRoute(`timeouts = { ${key} = ${value} }`),
        ['1'],
        ['0'],
      ],
    ),
  ])('%s', async (path, fileOf, right, wrong) => {
    const problems = async (value: string) => problemsOf({ GATEWAY_CONFIG: await fileWith(fileOf(value)) })
    for (const value of right) expect(await problems(value)).toEqual([])
    for (const value of wrong) expect(await problems(value)).toEqual([expect.stringContaining(`${path}: `)])
  })

  test('and an upstream and its checks have these defaults', async () => {
    const [upstream] = readGatewayConfig({
      GATEWAY_CONFIG: await fileWith(inUpstream('health = { path = "/" }')),
    }).upstreams
    expect(upstream).toEqual({
      name: 'dogs',
      targets: ['http://a:1'],
      health: { path: '/', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 3 },
      maxConnections: 1024,
      maxTunnels: 1024,
      queue: 1024,
      queueMs: 5000,
    })
  })
})

test('a missing file is named', () => {
  expect(problemsOf({ GATEWAY_CONFIG: '/nowhere/gateway.toml' })).toEqual([
    expect.stringContaining('/nowhere/gateway.toml cannot be read: ENOENT'),
  ])
})

test('error pages are files beside the file, or URLs', async () => {
  await Bun.write(join(folder, '502.html'), '<p>502')
  const errors = 'errors = { 502 = "502.html", 404 = "https://a/404" }\n'
  const config = readGatewayConfig({
    GATEWAY_CONFIG: await fileWith(`${errors}${UPSTREAMS}${ROUTE}${errors}`),
  })
  const expected = new Map([
    [502, { html: '<p>502' }],
    [404, { location: 'https://a/404' }],
  ] as const)
  expect(config.errors).toEqual(expected)
  expect(config.routes[0]!.errors).toEqual(expected)
})

test.each([
  ['502 = "none.html"', /^errors\.502: none\.html cannot be read: ENOENT/],
  ['200 = "502.html"', /^errors\[200\]: there is no such key: must be a table of statuses/],
  ['502 = 1', /^errors\[502\]: 1 is not allowed: must be a path/],
])('an error page %s is refused', async (errors, problem) => {
  const config = await fileWith(`errors = { ${errors} }\n${UPSTREAMS}${ROUTE}`)
  expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([expect.stringMatching(problem)])
})

describe('TLS in the file', () => {
  const certificates = new Certificates()
  afterAll(() => certificates[Symbol.dispose]())
  certificates.sign('ec', 'DNS:a.test')
  certificates.sign('rsa', 'DNS:a.test', 'RSA')
  certificates.sign('other', 'DNS:b.test')
  const path = (file: string) => certificates.path(file)
  const listen = (tls: string) => `[[listen]]\naddress = "127.0.0.1:8443"\ntls = { ${tls} }\n`
  const pair = (cert: string, key = cert) => `cert = "${path(`${cert}.pem`)}", key = "${path(`${key}.key`)}"`

  test('is read, with several certificates and names', async () => {
    const two = `cert = ["${path('ec.pem')}", "${path('rsa.pem')}"], key = ["${path('ec.key')}", "${path('rsa.key')}"]`
    const sni = `sni = [{ hosts = ["B.test", "*.b.test"], ${pair('other')} }]`
    const config = await fileWith(
      `${UPSTREAMS}${ROUTE}${listen(`${two}, client_ca = "${path('ca.pem')}", ${sni}`)}`,
    )
    const [first] = readGatewayConfig({ GATEWAY_CONFIG: config }).listen
    expect(first).toMatchObject({
      hostname: '127.0.0.1',
      port: 8443,
      tls: {
        cert: [certificates.text('ec.pem'), certificates.text('rsa.pem')],
        key: [certificates.text('ec.key'), certificates.text('rsa.key')],
        clientCa: certificates.text('ca.pem'),
        minVersion: '1.2',
        sni: [{ hosts: ['b.test', '*.b.test'], cert: [certificates.text('other.pem')] }],
      },
    })
  })

  test('of an upstream is read, and paths are relative to the file', async () => {
    await Bun.write(join(folder, 'ca.pem'), certificates.text('ca.pem'))
    const tls = `tls = { ca = "ca.pem", ${pair('ec')}, server_name = "dogs.test" }`
    const config = await fileWith(
      `[[upstream]]\nname = "dogs"\ntargets = ["https://1.2.3.4"]\n${tls}\n${ROUTE}`,
    )
    expect(readGatewayConfig({ GATEWAY_CONFIG: config }).upstreams[0]!.tls).toEqual({
      ca: certificates.text('ca.pem'),
      cert: certificates.text('ec.pem'),
      key: certificates.text('ec.key'),
      serverName: 'dogs.test',
    })
  })

  test('of an upstream with no certificate in the file of its ca is refused', async () => {
    const tls = `tls = { ca = "${path('ec.key')}" }`
    const config = await fileWith(
      `[[upstream]]\nname = "dogs"\ntargets = ["https://1.2.3.4"]\n${tls}\n${ROUTE}`,
    )
    expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([
      'upstream[0].tls.ca: is not a certificate in PEM',
    ])
  })

  test.each<[string, () => string, (string | RegExp)[]]>([
    [
      'the key of another certificate',
      () => pair('ec', 'other'),
      ['is not the key of listen[0].tls.cert[0]'],
    ],
    [
      'no key',
      () => `cert = "${path('ec.pem')}"`,
      ['listen[0].tls.key: is missing: must be a path of a PEM file, or a list of paths'],
    ],
    [
      'two keys of one type',
      () =>
        `cert = ["${path('ec.pem')}", "${path('other.pem')}"], key = ["${path('ec.key')}", "${path('other.key')}"]`,
      ['listen[0].tls.key: two keys of one type; use one of each, like RSA and EC'],
    ],
    [
      'more certificates than keys',
      () => `cert = ["${path('ec.pem')}", "${path('rsa.pem')}"], key = "${path('ec.key')}"`,
      ['listen[0].tls: cert and key belong together'],
    ],
    [
      'no certificate in the file',
      () => `cert = "${path('ec.key')}", key = "${path('ec.key')}"`,
      ['listen[0].tls.cert[0]: is not a certificate in PEM'],
    ],
    [
      'no certificate in the file for clients',
      () => `${pair('ec')}, client_ca = "${path('ec.key')}"`,
      ['listen[0].tls.client_ca: is not a certificate in PEM'],
    ],
    [
      'no key in the file',
      () => `cert = "${path('ec.pem')}", key = "${path('ec.pem')}"`,
      ['listen[0].tls.key[0]: is not a private key in PEM without a password'],
    ],
    [
      'a file that is missing',
      () => `cert = "/nowhere.pem", key = "${path('ec.key')}"`,
      [/^listen\[0\]\.tls\.cert\[0\]: \/nowhere\.pem cannot be read: ENOENT/],
    ],
    [
      'an unknown version',
      () => `${pair('ec')}, min_version = "1.1"`,
      ['listen[0].tls.min_version: "1.1" is not allowed: must be one of 1.2, 1.3'],
    ],
    [
      'a name that is none',
      () => `${pair('ec')}, sni = [{ hosts = ["a:1"], ${pair('other')} }]`,
      [`listen[0].tls.sni[0].hosts[0]: "a:1" is not allowed: must be ${HOST}`],
    ],
  ])('with %s is refused', async (_, tls, problems) => {
    const found = problemsOf({ GATEWAY_CONFIG: await fileWith(`${UPSTREAMS}${ROUTE}${listen(tls())}`) })
    expect(found).toHaveLength(problems.length)
    for (const [i, problem] of problems.entries()) {
      if (typeof problem === 'string') expect(found[i]).toEndWith(problem)
      else expect(found[i]).toMatch(problem)
    }
  })

  test.each(['8443', 'a:0', 'a:65536', '::1:8443', ':8443', 'a b:1'])('at %s is refused', async (address) => {
    const config = await fileWith(`${UPSTREAMS}${ROUTE}[[listen]]\naddress = "${address}"`)
    expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([
      `listen[0].address: "${address}" is not allowed: must be an address like 127.0.0.1:8443 or [::]:443`,
    ])
  })

  test('with an unknown key of tls is refused', async () => {
    const tls = 'tls = { cert = "a.pem", key = "a.key", keys = "a" }'
    const config = await fileWith(`${UPSTREAMS}${ROUTE}[[listen]]\naddress = "127.0.0.1:80"\n${tls}`)
    expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([
      'listen[0].tls.keys: there is no such key; known: cert, key, client_ca, min_version, sni',
    ])
  })

  test.each([
    ['redirect = "/"\nresponse_headers = { set = { Date = "1" } }', '.set: "Date" is written by the gateway'],
    ['response_headers = { set = { A = "1" } }', ': is for listeners with redirect'],
  ])('with %j is refused', async (keys, problem) => {
    const config = await fileWith(`${UPSTREAMS}${ROUTE}[[listen]]\naddress = "127.0.0.1:80"\n${keys}`)
    expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([`listen[0].response_headers${problem}`])
  })

  test('that redirects may change the fields of its responses', async () => {
    const keys = 'redirect = "/"\nresponse_headers = { set = { A = "1" } }'
    const config = await fileWith(`${UPSTREAMS}${ROUTE}[[listen]]\naddress = "127.0.0.1:80"\n${keys}`)
    expect(readGatewayConfig({ GATEWAY_CONFIG: config }).listen).toEqual([
      {
        hostname: '127.0.0.1',
        port: 80,
        redirect: { status: 308, location: '/' },
        responseHeaders: { set: { A: '1' } },
      },
    ])
  })

  test('at one address twice is refused', async () => {
    const one = '[[listen]]\naddress = "127.0.0.1:80"\nredirect = "https://{host}{path}?{query}"\n'
    const config = await fileWith(`${UPSTREAMS}${ROUTE}${one}${one}`)
    expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([
      'listen[1].address: "127.0.0.1:80" is taken by listen[0]',
    ])
  })
})

test('a file that is not TOML is named, with the parser’s words', async () => {
  const config = await fileWith('[[route]\n')
  expect(problemsOf({ GATEWAY_CONFIG: config })).toEqual([
    expect.stringContaining(`${config} is not TOML: TOML Parse error`),
  ])
})

/** The table without the formatter's padding. */
const cells = (table: string) => table.replaceAll(/[ -]*\|[ -]*/g, '|')

test('the README has every setting', async () => {
  const readme = await Bun.file(`${import.meta.dir}/../README.md`).text()
  expect(cells(readme)).toContain(cells(settingsTable(schema, PREFIX)))
})
