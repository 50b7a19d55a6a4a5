/** TLS to targets: chain and name are verified, for requests and for checks. */
import { afterAll, describe, expect, test } from 'bun:test'
import { createServer, type TlsOptions } from 'node:tls'
import type { AddressInfo } from 'node:net'
import type { ClientTls } from '../config/tls.ts'
import { Certificates } from '../testdata/certificates.ts'
import { OK, startGateway, until } from '../testing.ts'

const certificates = new Certificates()
afterAll(() => certificates[Symbol.dispose]())
certificates.sign('named', 'DNS:dogs.test,DNS:localhost')
certificates.sign('numbered', 'IP:127.0.0.1')
certificates.sign('client', 'DNS:client')
const ca = certificates.text('ca.pem')

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

async function target(name: string, options: TlsOptions = {}) {
  const names: (string | false)[] = []
  let checks = 0
  const own = { cert: certificates.text(`${name}.pem`), key: certificates.text(`${name}.key`) }
  const server = createServer({ ...own, ...options }, (socket) => {
    names.push(socket.servername ?? false)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      if (bytes.toString().includes('/healthz')) checks++
      socket.write(OK)
    })
  }).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => {})
  await new Promise((listening) => server.on('listening', listening))
  const { port } = server.address() as AddressInfo
  return { port, names, checks: () => checks, [Symbol.dispose]: () => void server.close() }
}

describe('a target with https', () => {
  test.each<[string, string, string, ClientTls, 200 | 502, string | false]>([
    ['by its name', 'named', 'localhost', { ca }, 200, 'localhost'],
    ['by server_name', 'named', '127.0.0.1', { ca, serverName: 'dogs.test' }, 200, 'dogs.test'],
    ['by its address, which is not sent as a name', 'numbered', '127.0.0.1', { ca }, 200, false],
    ['of another name is refused', 'named', '127.0.0.1', { ca, serverName: 'cats.test' }, 502, false],
    ['of another address is refused', 'named', '127.0.0.1', { ca }, 502, false],
    ['of an unknown authority is refused', 'named', 'localhost', {}, 502, false],
  ])('%s', async (_, name, host, tls, status, sent) => {
    using server = await target(name)
    const health = { path: '/healthz', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 1 }
    await using gateway = startGateway(`https://${host}:${server.port}`, { upstream: { tls, health } })
    const post = GET.replace('GET', 'POST')
    expect(await gateway.ask(post, /ok$|\}$/)).toStartWith(`HTTP/1.1 ${status} `)
    if (status === 200) {
      expect(server.names).toEqual([sent])
      expect(await gateway.ask(GET)).toEndWith('ok')
      gateway.advance(1001)
      await until(() => server.checks() === 1)
      expect(server.names.at(-1)).toBe(sent)
    } else {
      expect(gateway.warnings).toEqual([expect.stringContaining('TLS with target dogs/127.0.0.1')])
      expect(await gateway.metric('gateway_upstream_connects_total{upstream="dogs",result="failed"}')).toBe(1)
      // At most one warning a second.
      for (const [ms, warnings] of [
        [999, 1],
        [1, 2],
        [0, 2],
      ] as const) {
        gateway.advance(ms)
        await gateway.ask(post, /\}$/)
        expect(gateway.warnings).toHaveLength(warnings)
      }
    }
  })

  test('gets the gateway’s certificate', async () => {
    using server = await target('named', { requestCert: true, rejectUnauthorized: true, ca })
    const url = `https://localhost:${server.port}`
    const own = { cert: certificates.text('client.pem'), key: certificates.text('client.key') }
    await using gateway = startGateway(url, { upstream: { tls: { ca, ...own } } })
    expect(await gateway.ask(GET)).toEndWith('ok')
    await using other = startGateway(url, { upstream: { tls: { ca } } })
    expect(await other.ask(GET.replace('GET', 'POST'), /\}$/)).toStartWith('HTTP/1.1 502 ')
  })

  test('takes WebSockets, and large bodies both ways', async () => {
    await using server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      tls: { cert: certificates.text('numbered.pem'), key: certificates.text('numbered.key') },
      fetch: (request, each) => (each.upgrade(request) ? undefined : new Response(request.body)),
      websocket: { maxPayloadLength: 8_000_000, message: (socket, message) => void socket.send(message) },
    })
    await using gateway = startGateway(`https://127.0.0.1:${server.port}`, { upstream: { tls: { ca } } })
    const body = crypto.getRandomValues(new Uint8Array(65_536)).toHex().repeat(20)
    const echo = await fetch(`${gateway.url}/dogs/`, { method: 'PUT', body, keepalive: false })
    expect(Bun.hash(await echo.text())).toBe(Bun.hash(body))
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/dogs/`)
    const { promise, resolve } = Promise.withResolvers<string>()
    socket.addEventListener('open', () => socket.send(body))
    socket.addEventListener('message', ({ data }) => resolve(data))
    expect(Bun.hash(await promise)).toBe(Bun.hash(body))
    socket.close()
    await until(() => gateway.server.connections() === 0)
  })

  test('that keeps its half of an idle connection open is closed all the same', async () => {
    let closed = 0
    const own = { cert: certificates.text('numbered.pem'), key: certificates.text('numbered.key') }
    const server = createServer({ ...own, allowHalfOpen: true }, (socket) => {
      socket.on('data', () => socket.write(OK))
      // The kernel resets the connection of a closed socket.
      socket.on('end', () => setInterval(() => socket.write('x'), 5).unref())
      socket.on('error', () => {}).on('close', () => closed++)
    }).listen(0, '127.0.0.1')
    using _ = { [Symbol.dispose]: () => void server.close() }
    await new Promise((listening) => server.on('listening', listening))
    const { port } = server.address() as AddressInfo
    await using gateway = startGateway(`https://127.0.0.1:${port}`, { upstream: { tls: { ca } } })
    expect(await gateway.ask(GET)).toEndWith('ok')
    gateway.advance(1100)
    await until(() => closed === 1)
  })

  test('that does not finish its handshake is a connect timeout', async () => {
    using listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    await using gateway = startGateway(`https://127.0.0.1:${listener.port}`)
    const response = gateway.ask(GET.replace('GET', 'POST'), /\}$/)
    await until(() => gateway.server.gateway.upstreams[0]!.activeConnections === 1)
    gateway.advance(1001)
    expect(await response).toStartWith('HTTP/1.1 504 ')
    expect(await gateway.metric('gateway_upstream_connects_total{upstream="dogs",result="timeout"}')).toBe(1)
  })
})
