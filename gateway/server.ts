/**
 * The gateway as a server: built from its configuration, listening on addresses, and drained before it stops. While it
 * drains, each response says `Connection: close`: a client that has read that sends no further request that could be lost.
 */
import type { Address, Served, Worker } from '@bun-monitoring/prefork'
import type { Socket, TCPSocketListener, TCPSocketListenOptions } from 'bun'
import { ClientConnection } from './client/client_connection.ts'
import type { TurnedAway } from './client/turned_away.ts'
import type { GatewayConfig } from './config/settings.ts'
import { Gateway, type GatewayWorker } from './gateway.ts'
import { discard } from './io/coalesce.ts'
import { KEEP_ALIVE_MS } from './io/context.ts'
import { writeLines } from './observe/log_output.ts'

/** The precision of all deadlines. */
const SWEEP_MS = 100
/** How long a draining server waits for one more request on an idle connection, so that its response says `close`. */
const QUIET_MS = 2000

/** The clock and the output, which tests replace. */
interface Edge {
  now: () => number
  writeLog: (lines: string) => void
}

const EDGE: Edge = { now: () => performance.now(), writeLog: writeLines }

export class GatewayServer implements Served {
  readonly gateway: Gateway
  /** Resolves when the targets of every upstream were looked up. */
  readonly hasTargets: Promise<unknown>
  readonly #listeners: TCPSocketListener<Client>[] = []
  readonly #timer: Timer
  readonly #now: () => number
  #closesIdleAtMs = Infinity

  constructor(config: GatewayConfig, worker: GatewayWorker, { now, writeLog }: Edge = EDGE) {
    this.#now = now
    this.gateway = new Gateway(config, worker, now(), writeLog)
    this.hasTargets = Promise.all(this.gateway.upstreams.map((upstream) => upstream.discover()))
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS)
  }

  /**
   * Accepts clients on this address.
   * @returns the port; for a path it has no meaning
   * @throws if the address is taken
   */
  serveOn(address: Address): number {
    // Bun's types for `listen` lack `reusePort` and `allowHalfOpen`.
    const options = { ...address, allowHalfOpen: true, socket: handlersOf(this.gateway) }
    const listener = Bun.listen(options as TCPSocketListenOptions<Client>)
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

  /** From now on every response says `Connection: close`. */
  lameDuck(): void {
    this.gateway.isLameDuck = true
  }

  connections(): number {
    return this.gateway.clients.size
  }

  /** Stops listening. Resolves when all requests have responses and all connections are closed; with `force` at once. */
  async stop(force: boolean): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.stop()
    this.lameDuck()
    if (force) this.gateway.close()
    else if (this.connections() > 0) {
      this.#closesIdleAtMs = this.#now() + QUIET_MS
      await new Promise<void>((resolve) => (this.gateway.onEmpty = resolve))
    }
    clearInterval(this.#timer)
    this.gateway.close()
    this.gateway.accessLog.flush()
  }
}

/** Serves traffic until it is stopped. */
export async function serve(config: GatewayConfig, worker: Worker): Promise<Served> {
  const server = new GatewayServer(config, worker)
  // A lookup may take longer: requests to its upstream wait.
  await Promise.race([server.hasTargets, Bun.sleep(config.timeouts.connectMs)])
  for (const address of worker.addresses) server.serveOn(address)
  return server
}

/** The owner of a client's socket. */
type Client = ClientConnection | TurnedAway

const handlersOf = (gateway: Gateway) => ({
  open(socket: Socket<Client>) {
    gateway.clientMetrics.accepted.inc()
    if (gateway.clients.size >= gateway.limits.connections) {
      const client = gateway.turnAway(socket)
      if (client !== undefined) socket.data = client
      return client?.start()
    }
    // Unix sockets have no address, and no need of probes.
    if (socket.remoteAddress) socket.setKeepAlive(true, KEEP_ALIVE_MS)
    const client = new ClientConnection(gateway, socket)
    socket.data = client
    gateway.clients.add(client)
  },
  data: ({ data: client }: Socket<Client>, bytes: Buffer) => client?.onData(bytes),
  drain: ({ data: client }: Socket<Client>) => client?.onDrain(),
  end: ({ data: client }: Socket<Client>) => client?.onEnd(),
  close: ({ data: client }: Socket<Client>) => client?.onClose(),
  // Bun calls this for an exception of a handler and leaves the socket open. The bug costs this connection alone.
  error(socket: Socket<Client>, error: Error) {
    discard()
    gateway.log.error({ err: error }, 'a bug in the gateway: the connection to the client is closed')
    if (socket.data === undefined) socket.terminate()
    else socket.data.reset()
  },
})
