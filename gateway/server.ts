/**
 * The gateway as a server: it is built from its configuration, listens on addresses, and is drained. A client that
 * keeps its connection is told that it is the last answer before the connection is closed: only then is it sure that
 * no request of it is lost.
 */
import type { Address, Served, Worker } from '@bun-monitoring/prefork'
import type { Socket, TCPSocketListener, TCPSocketListenOptions } from 'bun'
import { AccessLog } from './access_log.ts'
import { ClientConnection } from './client.ts'
import type { GatewayConfig } from './config.ts'
import { FieldList } from './fields.ts'
import { discard } from './gather.ts'
import { Gateway } from './gateway.ts'
import { writeLines } from './log_lines.ts'
import { GatewayMetrics } from './metrics.ts'
import { encode, problemAnswer } from './own_answers.ts'
import { Peers } from './peers.ts'
import { CAUSES } from './refusals.ts'
import { compileRoutes } from './route_table.ts'
import { Upstream } from './upstream.ts'

/** Deadlines are this exact. */
const SWEEP_MS = 100
/** How long a draining server waits for one more request on an idle connection, to say with its answer that it ends. */
const QUIET_MS = 2000

/** What the server has of the world beside sockets. */
interface Edge {
  now: () => number
  writeLog: (lines: string) => void
}

const EDGE: Edge = { now: () => performance.now(), writeLog: writeLines }

export class GatewayServer implements Served {
  readonly gateway: Gateway
  readonly #listeners: TCPSocketListener<ClientConnection>[] = []
  readonly #timer: Timer
  readonly #now: () => number
  /** Resolves when every upstream has looked for its targets. */
  readonly hasTargets: Promise<unknown>
  #closesIdleAtMs = Infinity

  constructor(
    config: GatewayConfig,
    { registry, tally, log }: Pick<Worker, 'registry' | 'tally' | 'log'>,
    { now, writeLog }: Edge = EDGE,
  ) {
    this.#now = now
    const { limits, timeouts } = config
    const fields = new FieldList(limits.headersCount)
    const shared = { limits, timeouts, clock: { nowMs: now() }, fields, log }
    const metrics = new GatewayMetrics(registry, tally)
    const upstreams = config.upstreams.map(
      (upstream) => new Upstream(upstream, shared, metrics.upstream(upstream.name)),
    )
    this.gateway = new Gateway(
      shared,
      new Peers(config.trustedProxies),
      upstreams,
      compileRoutes(config.routes, upstreams),
      metrics,
      new AccessLog(config.accessLog, writeLog),
    )
    this.hasTargets = Promise.all(upstreams.map((upstream) => upstream.look()))
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS)
  }

  /**
   * Takes clients on this address.
   * @returns the port; of a path there is none.
   * @throws where the address is taken.
   */
  serveOn(address: Address): number {
    // The types have neither `reusePort` nor `allowHalfOpen` for `listen`; Bun does.
    const options = { ...address, allowHalfOpen: true, socket: handlersOf(this.gateway) }
    const listener = Bun.listen(options as TCPSocketListenOptions<ClientConnection>)
    this.#listeners.push(listener)
    return listener.port
  }

  sweep(): void {
    const nowMs = this.#now()
    this.gateway.sweep(nowMs)
    this.gateway.accessLog.flush()
    if (nowMs > this.#closesIdleAtMs)
      for (const client of this.gateway.clients) {
        if (client.state === 'waiting' && !client.out.isBlocked) client.close()
      }
  }

  /** From now on every answer says `Connection: close`. */
  lameDuck(): void {
    this.gateway.isLameDuck = true
  }

  connections(): number {
    return this.gateway.clients.size
  }

  /** Stops listening. Resolves when everything is answered and every connection is closed; with `force` at once. */
  async stop(force: boolean): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.stop()
    this.lameDuck()
    if (force) this.gateway.close()
    else if (this.connections() > 0) {
      this.#closesIdleAtMs = this.#now() + QUIET_MS
      await new Promise<void>((resolve) => (this.gateway.onEmpty = resolve))
    }
    clearInterval(this.#timer)
    for (const upstream of this.gateway.upstreams) upstream.close()
    this.gateway.accessLog.flush()
  }
}

/** Serves traffic until it is stopped. */
export async function serve(config: GatewayConfig, worker: Worker): Promise<Served> {
  const server = new GatewayServer(config, worker)
  // Requests can wait for the rest.
  await Promise.race([server.hasTargets, Bun.sleep(config.timeouts.connectMs)])
  for (const address of worker.addresses) server.serveOn(address)
  return server
}

const handlersOf = (gateway: Gateway) => ({
  open(socket: Socket<ClientConnection>) {
    gateway.metrics.accepted.inc()
    if (gateway.clients.size >= gateway.limits.connections) return turnAway(socket, gateway)
    socket.data = new ClientConnection(gateway, socket)
    gateway.clients.add(socket.data)
  },
  data: ({ data: client }: Socket<ClientConnection>, bytes: Buffer) => client?.onData(bytes),
  drain: ({ data: client }: Socket<ClientConnection>) => client?.onDrain(),
  end: ({ data: client }: Socket<ClientConnection>) => client?.onEnd(),
  close: ({ data: client }: Socket<ClientConnection>) => client?.onClose(),
  // Bun calls this for what a handler throws, and leaves the socket open: a bug, which costs this connection alone.
  error(socket: Socket<ClientConnection>, error: Error) {
    discard()
    gateway.log.error({ err: error }, 'the gateway failed')
    if (socket.data === undefined) socket.terminate()
    else socket.data.cut()
  },
})

function turnAway(socket: Socket<ClientConnection>, { metrics }: Gateway): void {
  metrics.rejected('connections')
  const [status, detail] = CAUSES.connections
  socket.end(encode(problemAnswer(status, detail), 'Connection: close\r\n', true))
}
