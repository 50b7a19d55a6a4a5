/**
 * What the gateway's tests are made of: a gateway on a free port, upstreams and clients that see every byte.
 * Each is disposed of with `using`.
 */
import { expect } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, RequestTally } from '@bun-monitoring/prefork'
import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { readGatewayConfig } from './config.ts'
import { serve } from './server.ts'

/** A small answer, and its last bytes are `ok`. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const SILENT = createLogger('gateway', 'silent')

/** A gateway with one route, `/dogs`, to the given address. */
export function startGateway(
  target: string,
  overrides: { responseHeaderMs?: number; bodyBytes?: number } = {},
) {
  const registry = new Registry()
  const tally = new RequestTally()
  const config = { ...readGatewayConfig({ DOGS_URL: target, GATEWAY_PORT: '0' }), ...overrides }
  const addresses = [{ hostname: '127.0.0.1', port: 0, reusePort: false }]
  const served = serve(config, { registry, tally, log: SILENT, addresses })

  /** Sum of the samples whose line starts like this. */
  const metric = async (start: string): Promise<number> => {
    const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith(start))
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
  return {
    url: `http://127.0.0.1:${served.port}`,
    port: served.port,
    tally,
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
    [Symbol.asyncDispose]: () => served.stop(true),
  }
}

/** A TCP server that shows what it is sent; `onData` gets all that a connection has sent so far. */
export async function rawUpstream(onData: (received: string, socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let received = ''
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    socket.on('data', (bytes) => onData((received += bytes.toString('latin1')), socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
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
    heads.push(received.slice(0, received.indexOf('\r\n\r\n')))
    socket.write(answer)
  })
  return Object.assign(upstream, { heads })
}

/** A TCP client that sends the text and shows what comes back. */
export async function rawClient(port: number, text: string) {
  let received = ''
  const arrivals = new Set<() => void>()
  const socket = connect(port, '127.0.0.1')
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1')
    for (const check of arrivals) check()
  })
  socket.write(text)
  return {
    socket,
    /** All that came, when the other side has closed. */
    untilClosed: async () => {
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

/** Claims that the gateway itself answered, with what it says. */
export async function expectProblem(answer: Response, status: number, detail: string): Promise<void> {
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(await answer.json()).toMatchObject({ type: 'about:blank', status, detail })
}
