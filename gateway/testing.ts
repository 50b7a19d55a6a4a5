/**
 * What the gateway's tests are made of: a gateway on a free port, upstreams and clients that see every byte.
 * Each is disposed of with `using`.
 */
import { expect } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, RequestTally } from '@bun-monitoring/prefork'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessLogMode } from './observe/access_log.ts'
import { readGatewayConfig } from './config/settings.ts'
import type { RouteConfig, UpstreamConfig } from './config/gateway_file.ts'
import type { Limits, Timeouts } from './config/limits.ts'
import { GatewayServer } from './server.ts'
import { fingerprint, type StrictRequest, strictRequests } from './testdata/strict.ts'

/** A small answer, and its last bytes are `ok`. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

interface Overrides {
  limits?: Partial<Limits>
  timeouts?: Partial<Timeouts>
  trustedProxies?: string[]
  accessLog?: AccessLogMode
  routes?: RouteConfig[]
  /** Of the upstream. */
  upstream?: Partial<UpstreamConfig>
}

/** A gateway with one route, `/dogs`, for all methods to the given addresses, and a clock that only tests turn. */
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
    upstreams: [{ ...upstream, targets, ...overrides.upstream }],
    routes: overrides.routes ?? [route],
    limits: { ...committed.limits, ...overrides.limits },
    timeouts: { ...committed.timeouts, ...overrides.timeouts },
  }
  let nowMs = 0
  const lines: string[] = []
  const errors: string[] = []
  const log = createLogger('gateway', 'silent')
  log.error = ({ err }: { err: Error }) => void errors.push(err.message)
  const server = new GatewayServer(
    config,
    { registry, tally, log },
    {
      now: () => nowMs,
      writeLog: (text) => void lines.push(...text.trimEnd().split('\n')),
    },
  )
  const port = server.serveOn({ hostname: '127.0.0.1', port: 0, reusePort: false })

  /** Sum of the samples whose line starts like this. */
  const metric = async (start: string): Promise<number> => {
    const samples = (await registry.metrics()).split('\n').filter((line) => line.startsWith(start))
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    tally,
    /** What was logged as the gateway's own fault. */
    errors,
    /** The lines of the access log. */
    logged: () => {
      server.sweep()
      return lines.map((text) => JSON.parse(text))
    },
    /** Whether it has heard that a client has closed its half. */
    hasHalfClosed: () => [...server.gateway.clients].some(({ isLast }) => isLast),
    /** Lets time pass. */
    advance: (ms: number) => {
      nowMs += ms
      server.sweep()
    },
    /** Sends the text on a connection of its own, as a client that is neither attacker nor victim does. */
    ask: async (text = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n', end: RegExp = /ok$/) => {
      using client = await rawClient(port, text)
      return await client.until(end)
    },
    page: () => registry.metrics(),
    metric,
    /** How often requests ended, by `method route status`. */
    counted: async (): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {}
      const pattern = /^http_server_request_duration_seconds_count\{(.*)\} (\d+)$/gm
      for (const [, labels, count] of (await registry.metrics()).matchAll(pattern)) {
        const values = [...labels!.matchAll(/"([^"]*)"/g)].map(([, value]) => value)
        counts[values.join(' ')] = Number(count)
      }
      return counts
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

/** A server, on a free port or a path, that shows what it is sent; `onData` gets all that a connection has sent so far. */
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
    /** All that were ever opened. */
    connections: () => connections,
    /** From now on there are only the connections that are open. */
    stopListening: () => void server.close(),
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** An upstream that answers every request the same, and keeps the heads of the requests. */
export async function cannedUpstream(answer: string) {
  const heads: string[] = []
  const upstream = await rawUpstream((received, socket) => {
    if (!received.includes('\r\n\r\n')) return
    heads.push([...received.matchAll(/[A-Z]+ \S+ HTTP\/1\.1\r\n[^]*?(?=\r\n\r\n)/g)].at(-1)![0])
    socket.write(answer)
  })
  return Object.assign(upstream, { heads })
}

/** A TCP client that sends the text and shows what comes back. */
export async function rawClient(
  port: number,
  text: string | Buffer,
  options: { allowHalfOpen?: boolean; host?: string; localAddress?: string } = {},
) {
  let received = ''
  const arrivals = new Set<() => void>()
  const socket = connect({ port, host: '127.0.0.1', ...options })
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
    /** All that came, when the other side has closed. */
    untilClosed: async (onEnd = () => {}) => {
      socket.on('end', onEnd)
      await closed
      return received
    },
    /** All that came, when it matches. */
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

/** An upstream that answers each request with its name, a closed connection, or nothing at all; it keeps what it was asked. */
export async function namedUpstream(name: string, options: { unix?: string } = {}) {
  const asked: string[] = []
  const state = { does: 'answer' as 'answer' | 'hang up' | 'nothing' }
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`
  const upstream = await rawUpstream((received, socket) => {
    asked.push(received)
    if (state.does === 'answer') socket.write(answer)
    if (state.does === 'hang up') socket.destroy()
  }, options)
  return Object.assign(upstream, { asked, state, answer })
}

/** The number of an upstream's targets in each state, as a metrics page shows them. */
export function targetsOn(page: string, upstream: string): Record<string, number> {
  const samples = page.matchAll(/^gateway_upstream_targets\{upstream="(\w+)",state="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries(
    [...samples].flatMap(([, name, state, count]) => (name === upstream ? [[state!, Number(count)]] : [])),
  )
}

/** Lets everything happen until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate)
}

/** A new folder that is removed at the end of the scope. */
export function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'gw-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Claims that the gateway itself answered, with what it says. */
export async function expectProblem(answer: Response, status: number, detail: string): Promise<void> {
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(await answer.json()).toMatchObject({ type: 'about:blank', status, detail })
}

/** An upstream that reads as strictly as can be and answers each request with the fingerprint of what it saw. */
export async function recordingUpstream() {
  const requests: StrictRequest[] = []
  let refused = 0
  const upstream = await rawUpstream((received, socket) => {
    const read = strictRequests(received)
    const state = socket as Socket & { answered?: number }
    for (const request of read.requests.slice(state.answered ?? 0)) {
      requests.push(request)
      const body = request.method === 'HEAD' ? '' : fingerprint(request)
      socket.write(`HTTP/1.1 200 OK\r\nX-Seen: ${fingerprint(request)}\r\nContent-Length: 40\r\n\r\n${body}`)
    }
    state.answered = read.requests.length
    if (read.ends === 'refused') refused++
  })
  return Object.assign(upstream, { requests, refused: () => refused })
}
