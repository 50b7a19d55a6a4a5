/** TLS to clients: certificates, versions, client certificates, limits, and the internal of Bun that names depend on. */
import { afterAll, describe, expect, test } from 'bun:test'
import { connect as connectPlain } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import type { ServerTls } from '../config/tls.ts'
import { Certificates } from '../testdata/certificates.ts'
import { cannedUpstream, OK, rawClient, startGateway, until } from '../testing.ts'
import { MAX_TURNED_AWAY } from './turned_away.ts'

const certificates = new Certificates()
afterAll(() => certificates[Symbol.dispose]())
certificates.sign('a', 'DNS:a.test,IP:127.0.0.1')
certificates.sign('rsa', 'DNS:a.test', 'RSA')
certificates.sign('b', 'DNS:b.test,DNS:*.b.test')
certificates.sign('client', 'DNS:client')
certificates.authority('foreign')

const pair = (...names: string[]) => ({
  cert: names.map((name) => certificates.text(`${name}.pem`)),
  key: names.map((name) => certificates.text(`${name}.key`)),
})
const TLS: ServerTls = {
  ...pair('a', 'rsa'),
  minVersion: '1.2',
  sni: [{ hosts: ['b.test', '*.b.test'], ...pair('b') }],
}
const ca = certificates.text('ca.pem')
const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

/** What a client sees: version, cipher, certificate and response, or the error. */
async function ask(port: number, options: ConnectionOptions = {}, text = GET): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'a.test', ...options })
  const { promise, resolve } = Promise.withResolvers<string>()
  let seen = ''
  socket.on('secureConnect', () => {
    const { subject } = socket.getPeerCertificate()
    seen =
      `${socket.getProtocol()} ${socket.getCipher().name} ${subject.CN} ${socket.alpnProtocol || ''}`.trim()
    socket.write(text)
  })
  let received = ''
  socket.on('data', (bytes) => {
    received += bytes.toString()
    if (/ok$|\}$/.test(received)) socket.end()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(`error ${error.code}`))
  socket.on('close', () => resolve(received === '' ? 'closed' : `${seen} ${received.slice(9, 12)}`))
  return await promise
}

async function startTls(tls: Partial<ServerTls> = {}, overrides: Parameters<typeof startGateway>[1] = {}) {
  const stack = new AsyncDisposableStack()
  const upstream = stack.use(await cannedUpstream(OK))
  const gateway = stack.use(startGateway(upstream.url, overrides))
  const address = { hostname: '127.0.0.1', port: 0, reusePort: false }
  const port = gateway.server.serveOn(address, { tls: { ...TLS, ...tls } })
  return { port, gateway, upstream, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}

const EC_12 = 'ECDHE-ECDSA-AES128-GCM-SHA256'
const RSA_12 = 'ECDHE-RSA-AES128-GCM-SHA256'

describe('a client gets', () => {
  test.each<[string, ConnectionOptions, string | RegExp]>([
    ['TLS 1.3', {}, 'TLSv1.3 TLS_AES_128_GCM_SHA256 a 200'],
    [
      'HTTP/1.1 by ALPN',
      { ALPNProtocols: ['h2', 'http/1.1'] },
      'TLSv1.3 TLS_AES_128_GCM_SHA256 a http/1.1 200',
    ],
    [
      'an alert for other protocols',
      { ALPNProtocols: ['h2'] },
      'error ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    ],
    ['TLS 1.2 with P-256', { maxVersion: 'TLSv1.2', ciphers: EC_12 }, `TLSv1.2 ${EC_12} a 200`],
    ['TLS 1.2 with RSA', { maxVersion: 'TLSv1.2', ciphers: RSA_12 }, `TLSv1.2 ${RSA_12} rsa 200`],
    ['no TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }, /^error .*PROTOCOL_VERSION$/],
    [
      'no CBC cipher',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
      /^error .*HANDSHAKE_FAILURE$/,
    ],
    ['the certificate of a name', { servername: 'b.test' }, 'TLSv1.3 TLS_AES_128_GCM_SHA256 b 200'],
    ['that of a wildcard', { servername: 'x.b.test' }, 'TLSv1.3 TLS_AES_128_GCM_SHA256 b 200'],
    [
      'no CBC cipher for a name',
      { servername: 'b.test', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
      /^error .*HANDSHAKE_FAILURE$/,
    ],
    ['the first certificate without a name', { servername: '' }, 'TLSv1.3 TLS_AES_128_GCM_SHA256 a 200'],
  ])('%s', async (_, options, expected) => {
    await using gateway = await startTls()
    const seen = await ask(gateway.port, options)
    if (typeof expected === 'string') expect(seen).toBe(expected)
    else expect(seen).toMatch(expected)
  })

  test('TLS 1.3 alone, for each name, if the listener says so', async () => {
    await using gateway = await startTls({ minVersion: '1.3' })
    for (const servername of ['a.test', 'b.test']) {
      expect(await ask(gateway.port, { servername, maxVersion: 'TLSv1.2' })).toMatch(
        /^error .*PROTOCOL_VERSION$/,
      )
      expect(await ask(gateway.port, { servername })).toStartWith('TLSv1.3')
    }
  })
})

describe.each(['a.test', 'b.test'])('with client_ca, for %s,', (servername) => {
  test.each<[string, string | undefined, RegExp]>([
    ['a client with its certificate is served', 'client', /^TLSv1.3 .* 200$/],
    ['a client without one is not', undefined, /^error .*CERTIFICATE_REQUIRED$/],
    ['a client of a foreign authority is not', 'foreign', /^closed$|^error /],
  ])('%s', async (_, name, expected) => {
    await using gateway = await startTls({ clientCa: ca })
    const own = name === undefined ? {} : { cert: pair(name).cert[0]!, key: pair(name).key[0]! }
    expect(await ask(gateway.port, { servername, ...own })).toMatch(expected)
    const isServed = name === 'client'
    expect(gateway.upstream.heads).toHaveLength(isServed ? 1 : 0)
    await until(() => gateway.gateway.server.connections() === 0)
    for (const [result, count] of [
      ['ok', isServed ? 1 : 0],
      ['failed', isServed ? 0 : 1],
    ] as const)
      expect(await gateway.gateway.metric(`gateway_tls_handshakes_total{result="${result}"}`)).toBe(count)
  })
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a resumed session of %s keeps the client’s certificate',
  async (version) => {
    await using gateway = await startTls({ clientCa: ca })
    const own = { cert: pair('client').cert[0]!, key: pair('client').key[0]! }
    let session: Buffer | undefined
    const resumed: boolean[] = []
    for (let i = 0; i < 2; i++) {
      const socket = connect({
        host: '127.0.0.1',
        port: gateway.port,
        ca,
        servername: 'a.test',
        maxVersion: version,
        ...own,
        ...(session === undefined ? {} : { session }),
      })
      socket.on('session', (given: Buffer) => (session = given))
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      let received = ''
      socket.on('secureConnect', () => {
        resumed.push(socket.isSessionReused())
        socket.write(GET)
      })
      socket.on('data', (bytes) => {
        received += bytes.toString()
        if (received.endsWith('ok')) socket.end()
      })
      socket.on('error', reject).on('close', () => resolve(received))
      expect(await promise).toEndWith('ok')
    }
    expect(resumed).toEqual([false, true])
  },
)

test('the upstream learns that the client used https, and not that another one did', async () => {
  await using gateway = await startTls()
  await ask(gateway.port)
  await gateway.gateway.ask(GET)
  const lines = gateway.upstream.heads.map((head) => head.split('\r\n'))
  expect(lines[0]).toContain('X-Forwarded-Proto: https')
  expect(lines[0]).toContain('Forwarded: for=127.0.0.1;host="a";proto=https')
  expect(lines[1]).toContain('X-Forwarded-Proto: http')
})

test('above the limit of connections the 503 arrives, also over TLS', async () => {
  await using gateway = await startTls({}, { limits: { connections: 1 } })
  using first = await rawClient(gateway.gateway.port, '')
  await until(() => gateway.gateway.server.connections() === 1)
  const upload = `POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`
  for (let i = 0; i < 10; i++) expect(await ask(gateway.port, {}, upload)).toEndWith(' 503')
  expect(first.received()).toBe('')
})

test('a handshake has its time, and plain text is no handshake', async () => {
  await using gateway = await startTls({}, { timeouts: { handshakeMs: 1000 } })
  using silent = await rawClient(gateway.port, '')
  await until(() => gateway.gateway.server.connections() === 1)
  gateway.gateway.advance(1000)
  expect(gateway.gateway.server.connections()).toBe(1)
  gateway.gateway.advance(1)
  await silent.untilClosed()
  using plain = await rawClient(gateway.port, GET)
  expect(await plain.untilClosed()).not.toContain('HTTP')
  await until(() => gateway.gateway.server.connections() === 0)
  expect(await gateway.gateway.metric('gateway_tls_handshakes_total{result="failed"}')).toBe(2)
})

test('handshakes are limited, together with the clients that are connected', async () => {
  await using gateway = await startTls({}, { limits: { connections: 1 } })
  using clients = new DisposableStack()
  clients.use(await rawClient(gateway.gateway.port, ''))
  for (let i = 0; i < MAX_TURNED_AWAY; i++) clients.use(await rawClient(gateway.port, ''))
  await until(() => gateway.gateway.server.connections() === 1 + MAX_TURNED_AWAY)
  using oneMore = await rawClient(gateway.port, '')
  expect(await oneMore.untilClosed()).toBe('')
  expect(await gateway.gateway.metric('gateway_rejections_total{reason="connections"}')).toBe(1)
  expect(gateway.gateway.server.connections()).toBe(1 + MAX_TURNED_AWAY)
})

test('a client that is reset because too many are turned away is no failed handshake', async () => {
  await using gateway = await startTls({}, { limits: { connections: 1 } })
  const { server, port } = gateway.gateway
  using clients = new DisposableStack()
  clients.use(await rawClient(port, ''))
  await until(() => server.connections() === 1)
  for (let i = 0; i < MAX_TURNED_AWAY; i++) clients.use(await rawClient(port, '', { allowHalfOpen: true }))
  await until(() => server.gateway.turnedAway.size === MAX_TURNED_AWAY)
  expect(await ask(gateway.port)).not.toContain('503')
  expect(await gateway.gateway.metric('gateway_tls_handshakes_total{result="ok"}')).toBe(1)
  expect(await gateway.gateway.metric('gateway_tls_handshakes_total{result="failed"}')).toBe(0)
})

test('a draining server has time for a request behind a late handshake', async () => {
  await using gateway = await startTls()
  const { server } = gateway.gateway
  const socket = connectPlain(gateway.port, '127.0.0.1')
  await until(() => server.connections() === 1)
  const stopped = server.stop(false)
  gateway.gateway.advance(1900)
  const client = connect({ socket, ca, servername: 'a.test' })
  await until(() => server.gateway.clients.size === 1)
  gateway.gateway.advance(200)
  expect(server.connections()).toBe(1)
  const { promise, resolve } = Promise.withResolvers<string>()
  let received = ''
  client.on('data', (bytes) => (received += bytes.toString())).on('close', () => resolve(received))
  client.write(GET)
  expect(await promise).toEndWith('ok')
  await stopped
})

test('a draining server waits for a handshake, also when the last client has left, but for none that is broken off', async () => {
  await using gateway = await startTls()
  const { server, port } = gateway.gateway
  using handshake = await rawClient(gateway.port, '')
  using client = await rawClient(port, '')
  await until(() => server.connections() === 2)
  let isStopped = false
  const stopped = server.stop(false).then(() => (isStopped = true))
  client.socket.destroy()
  await until(() => server.connections() === 1)
  for (let i = 0; i < 10; i++) await new Promise(setImmediate)
  expect(isStopped).toBe(false)
  handshake.socket.destroy()
  await stopped
})

test('a forced stop resets handshakes', async () => {
  await using gateway = await startTls()
  const { server } = gateway.gateway
  using client = await rawClient(gateway.port, '')
  await until(() => server.connections() === 1)
  await server.stop(true)
  expect(server.connections()).toBe(0)
  await client.untilClosed()
})

test('a draining server lets a handshake finish and serves it', async () => {
  await using gateway = await startTls()
  const socket = connect({ host: '127.0.0.1', port: gateway.port, ca, servername: 'a.test' })
  await until(() => gateway.gateway.server.connections() === 1)
  const stopped = gateway.gateway.server.stop(false)
  const { promise, resolve } = Promise.withResolvers<string>()
  let received = ''
  socket.on('data', (bytes) => (received += bytes.toString())).on('close', () => resolve(received))
  socket.write(GET)
  expect(await promise).toContain('\r\nConnection: close\r\n')
  await stopped
})

test('large bodies pass both ways, whole', async () => {
  await using echo = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => new Response(await request.bytes()),
  })
  await using gateway = startGateway(`http://127.0.0.1:${echo.port}`)
  const port = gateway.server.serveOn({ hostname: '127.0.0.1', port: 0, reusePort: false }, { tls: TLS })
  const body = crypto.getRandomValues(new Uint8Array(60_000))
  const large = Buffer.concat(Array.from({ length: 300 }, () => body))
  const response = await fetch(`https://127.0.0.1:${port}/dogs/`, {
    method: 'POST',
    body: large,
    tls: { ca },
  })
  expect(Bun.hash(await response.bytes())).toBe(Bun.hash(large))
}, 60_000)

test('a listener that redirects sends all requests elsewhere', async () => {
  await using gateway = startGateway('http://127.0.0.1:1')
  const redirect = { status: 308, location: 'https://{host}{path}?{query}' }
  const responseHeaders = { set: { 'X-From': '{client} {host}' } }
  const address = { hostname: '127.0.0.1', port: 0, reusePort: false }
  const port = gateway.server.serveOn(address, { redirect, responseHeaders })
  // Another listener has found a route before.
  await gateway.ask(GET.replace('GET', 'POST'), /\}$/)
  using client = await rawClient(port, 'GET /dogs/1?a HTTP/1.1\r\nHost: a.test:80\r\n\r\n')
  expect(await client.until(/\r\n\r\n$/)).toMatch(
    /^HTTP\/1\.1 308 [^]*\r\nLocation: https:\/\/a\.test\/dogs\/1\?a\r\nX-From: 127.0.0.1 a.test\r\n/,
  )
  expect(await gateway.counted()).toEqual({ 'POST dogs 502': 1, 'GET unmatched 308': 1 })
})
