/**
 * Test helpers: a gateway on a free port, and upstreams and clients that see every byte. Each is disposed of with
 * `using`.
 */
import { expect, spyOn } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, RequestTally } from '@bun-monitoring/prefork'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, connect, type AddressInfo, type NetConnectOpts, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessLogConfig, AccessLogMode } from './observe/access_log.ts'
import { readGatewayConfig } from './config/settings.ts'
import type { ErrorPage, RouteConfig, UpstreamConfig } from './config/gateway_file.ts'
import type { Limits, Timeouts } from './config/limits.ts'
import type { ServerTls } from './config/tls.ts'
import { removeRateTables } from './io/rate_table.ts'
import { WriteQueue } from './io/write_queue.ts'
import { GatewayServer } from './server.ts'
import { fingerprint, type StrictRequest, strictRequests } from './testdata/strict.ts'

/** Set by client/attacks_over_tls.test.ts: clients of tests use TLS, with the certificate in this folder. */
const { GATEWAY_TESTS_TLS } = Bun.env
const text = (file: string) => readFileSync(join(GATEWAY_TESTS_TLS!, file), 'utf8')
const OVER_TLS: ServerTls | undefined =
  GATEWAY_TESTS_TLS === undefined
    ? undefined
    : { cert: [text('a.pem')], key: [text('a.key')], minVersion: '1.2', sni: [] }

/** A connection to a gateway: over TLS if all clients of the run use it. */
export const connectTo = (options: NetConnectOpts & { port: number }): Socket =>
  OVER_TLS === undefined
    ? connect(options)
    : connectTls({
        host: '127.0.0.1',
        ...options,
        ca: text('ca.pem'),
        servername: 'a.test',
      } as ConnectionOptions)

/** A small response whose last bytes are `ok`. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

interface Overrides {
  limits?: Partial<Limits>
  timeouts?: Partial<Timeouts>
  trustedProxies?: string[]
  errors?: Map<number, ErrorPage>
  accessLog?: AccessLogMode
  log?: Partial<AccessLogConfig>
  routes?: RouteConfig[]
  /** Settings of the upstream. */
  upstream?: Partial<UpstreamConfig>
}

/** A gateway with one route, `/dogs`, for all methods to the given targets, and a clock that tests advance. */
export function startGateway(target: string | string[], overrides: Overrides = {}) {
  const registry = new Registry()
  const tally = new RequestTally()
  const committed = readGatewayConfig({})
  const [{ health: _, ...upstream }] = committed.upstreams as [UpstreamConfig]
  const [{ methods: __, ...route }] = committed.routes as [RouteConfig]
  const targets = [target].flat()
  const config = {
    ...committed,
    ...overrides,
    workers: 0,
    upstreams: [{ ...upstream, targets, ...overrides.upstream }],
    log: { ...committed.log, ...(overrides.accessLog && { access: overrides.accessLog }), ...overrides.log },
    routes: overrides.routes ?? [route],
    limits: { ...committed.limits, ...overrides.limits },
    timeouts: { ...committed.timeouts, ...overrides.timeouts },
  }
  let nowMs = 0
  const lines: string[] = []
  const errors: string[] = []
  const warnings: string[] = []
  const log = createLogger('gateway', 'silent')
  log.warn = ((_: object, message: string) => void warnings.push(message)) as typeof log.warn
  log.error = ({ err }: { err: Error }) => void errors.push(err.message)
  const server = new GatewayServer(
    config,
    { registry, tally, log },
    {
      now: () => nowMs,
      writeLog: (text) => void lines.push(...text.trimEnd().split('\n')),
    },
  )
  const address = { hostname: '127.0.0.1', port: 0, reusePort: false }
  const port = server.serveOn(address, OVER_TLS === undefined ? {} : { tls: OVER_TLS })

  /** The sum of the samples whose lines start with this. */
  const metric = async (start: string): Promise<number> => {
    const samples = (await registry.metrics()).split('\n').filter((line) => line.startsWith(start))
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    tally,
    /** The logged bugs of the gateway. */
    errors,
    /** The logged warnings. */
    warnings,
    /** The lines of the access log. */
    logged: () => {
      server.sweep()
      return lines.map((text) => JSON.parse(text))
    },
    /** Whether the gateway knows that a client has half-closed. */
    hasHalfClosed: () => [...server.gateway.clients].some(({ isLast }) => isLast),
    /** Advances the clock. */
    advance: (ms: number) => {
      nowMs += ms
      server.sweep()
    },
    /** Sends the text on a new connection and returns the response. */
    ask: async (text = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n', end: RegExp = /ok$/) => {
      using client = await rawClient(port, text)
      return await client.until(end)
    },
    page: () => registry.metrics(),
    metric,
    /** Counts of ended requests by `method route status`. */
    counted: async (): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {}
      const pattern = /^http_server_request_duration_seconds_count\{(.*)\} (\d+)$/gm
      for (const [, labels, count] of (await registry.metrics()).matchAll(pattern)) {
        const values = [...labels!.matchAll(/"([^"]*)"/g)].map(([, value]) => value)
        counts[values.join(' ')] = Number(count)
      }
      return counts
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop(true)
      removeRateTables()
    },
  }
}

/** Sockets to clients, or to upstreams, take only as many bytes as there is `room`, which a test may change. */
export function limitedRoom(side: 'clients' | 'upstreams', room: number) {
  const { open } = WriteQueue.prototype
  const queues: WriteQueue[] = []
  const state = {
    room,
    /** Takes all bytes, also those that wait. */
    open() {
      state.room = Infinity
      for (const queue of queues) queue.drain()
    },
  }
  const spy = spyOn(WriteQueue.prototype, 'open').mockImplementation(function (this: WriteQueue, socket) {
    const write = (bytes: Buffer, from = 0, length = bytes.length - from) => {
      // Bun calls the handler for a drained socket after a write of no bytes.
      const sent = state.room === 0 ? 0 : socket.write(bytes, from, Math.min(length, state.room))
      state.room -= Math.max(0, sent)
      return sent
    }
    // Only the queues to clients count their bytes.
    const isLimited = (this.counter !== undefined) === (side === 'clients')
    if (isLimited) queues.push(this)
    open.call(this, isLimited ? ({ write } as unknown as typeof socket) : socket)
  })
  return Object.assign(state, { [Symbol.dispose]: () => spy.mockRestore() })
}

/** A server on a free port or a path; `onData` gets all bytes of a connection so far. */
export async function rawUpstream(
  onData: (received: string, socket: Socket) => void,
  { unix, ...options }: { allowHalfOpen?: boolean; pauseOnConnect?: boolean; unix?: string } = {},
) {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer(options, (socket) => {
    let received = ''
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    socket.on('data', (bytes) => onData((received += bytes.toString('latin1')), socket))
  })
  if (unix === undefined) server.listen(0, '127.0.0.1')
  else server.listen(unix)
  await once(server, 'listening')
  return {
    url: unix === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${unix}`,
    sockets,
    /** The number of connections since the start. */
    connections: () => connections,
    /** Accepts no more connections; open ones stay. */
    stopListening: () => void server.close(),
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** An upstream that sends the same response to every request and keeps the heads of the requests. */
export async function cannedUpstream(response: string) {
  const heads: string[] = []
  const upstream = await rawUpstream((received, socket) => {
    if (!received.includes('\r\n\r\n')) return
    heads.push([...received.matchAll(/[A-Z]+ \S+ HTTP\/1\.1\r\n[^]*?(?=\r\n\r\n)/g)].at(-1)![0])
    socket.write(response)
  })
  return Object.assign(upstream, { heads })
}

/** A TCP client that sends the text and collects what comes back. */
export async function rawClient(
  port: number,
  text: string | Buffer,
  options: { allowHalfOpen?: boolean; host?: string; localAddress?: string } = {},
) {
  let received = ''
  const arrivals = new Set<() => void>()
  const socket = connectTo({ port, host: '127.0.0.1', ...options })
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  let isReset = false
  socket.on('error', (error: NodeJS.ErrnoException) => void (isReset ||= error.code === 'ECONNRESET'))
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1')
    for (const check of arrivals) check()
  })
  socket.write(text)
  return {
    socket,
    received: () => received,
    wasReset: () => isReset,
    /** Resolves with all received bytes once the gateway has closed. */
    untilClosed: async (onEnd = () => {}) => {
      socket.on('end', onEnd)
      await closed
      return received
    },
    /** Resolves with all received bytes once they match. */
    until: (pattern: RegExp) =>
      new Promise<string>((resolve) => {
        const check = () => {
          if (!pattern.test(received)) return
          arrivals.delete(check)
          resolve(received)
        }
        arrivals.add(check)
        check()
      }),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** An upstream that responds to each request with its name, a closed connection, or nothing. It keeps the requests. */
export async function namedUpstream(name: string, options: { unix?: string } = {}) {
  const asked: string[] = []
  const state = { does: 'respond' as 'respond' | 'hang up' | 'nothing' }
  const response = `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`
  const upstream = await rawUpstream((received, socket) => {
    asked.push(received)
    if (state.does === 'respond') socket.write(response)
    if (state.does === 'hang up') socket.destroy()
  }, options)
  return Object.assign(upstream, { asked, state, response })
}

/** The number of an upstream's targets in each state, as a metrics page shows them. */
export function targetsOn(page: string, upstream: string): Record<string, number> {
  const samples = page.matchAll(/^gateway_upstream_targets\{upstream="(\w+)",state="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries(
    [...samples].flatMap(([, name, state, count]) => (name === upstream ? [[state!, Number(count)]] : [])),
  )
}

/** Runs the event loop until `isSo` is true. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate)
}

/** A new folder that is removed at the end of the scope. */
export function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'gw-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Expects a problem reply of the gateway with this detail. */
export async function expectProblem(response: Response, status: number, detail: string): Promise<void> {
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(await response.json()).toMatchObject({ type: 'about:blank', status, detail })
}

/** An upstream with a strict parser that responds with the fingerprint of each request. */
export async function recordingUpstream() {
  const requests: StrictRequest[] = []
  let rejected = 0
  const upstream = await rawUpstream((received, socket) => {
    const read = strictRequests(received)
    const state = socket as Socket & { answered?: number }
    for (const request of read.requests.slice(state.answered ?? 0)) {
      requests.push(request)
      const body = request.method === 'HEAD' ? '' : fingerprint(request)
      socket.write(`HTTP/1.1 200 OK\r\nX-Seen: ${fingerprint(request)}\r\nContent-Length: 40\r\n\r\n${body}`)
    }
    state.answered = read.requests.length
    if (read.ends === 'refused') rejected++
  })
  return Object.assign(upstream, { requests, rejected: () => rejected })
}
