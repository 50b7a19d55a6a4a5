/**
 * The gateway as a server: built from its configuration, listening on addresses, and drained before it stops. While it
 * drains, each response says `Connection: close`: a client that has read that sends no further request that could be lost.
 */
import { type Address, authorityOf, type Served, StartError, type Worker } from '@bun-monitoring/prefork'
import { listen, type ListenerOptions } from './client/listener.ts'
import type { GatewayConfig } from './config/settings.ts'
import { Gateway, type GatewayWorker } from './gateway.ts'
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
  readonly #listeners: { stop(): void }[] = []
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
  serveOn(address: Address, options: ListenerOptions = {}): number {
    const listener = listen(this.gateway, address, options)
    this.#listeners.push(listener)
    return listener.port
  }

  sweep(): void {
    const nowMs = this.#now()
    this.gateway.sweep(nowMs)
    this.gateway.accessLog.flush()
    if (nowMs > this.#closesIdleAtMs)
      for (const client of this.gateway.clients) {
        if (client.state === 'waiting' && client.idleMs(nowMs) >= QUIET_MS && !client.out.isBlocked)
          client.close()
      }
  }

  /** From now on every response says `Connection: close`. */
  lameDuck(): void {
    this.gateway.isLameDuck = true
  }

  connections(): number {
    return this.gateway.clients.size + this.gateway.handshakes.size
  }

  /** All connections but tunnels: also a new one may have sent a request, and a stopping server closes the idle ones. */
  inFlight(): number {
    const tunnels = this.gateway.clients.values().reduce((sum, { isTunnel }) => sum + Number(isTunnel), 0)
    return this.connections() - tunnels
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
  const reusePort = config.workers > 0
  for (const { hostname, port, ...options } of config.listen) {
    const authority = authorityOf(hostname, port)
    try {
      server.serveOn({ hostname, port, reusePort }, options)
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      throw new StartError(`listen: address ${authority} cannot be used: ${LISTEN_ERRORS[code] ?? message}`)
    }
    worker.log.info(`listening on ${options.tls === undefined ? 'http' : 'https'}://${authority}`)
  }
  return server
}

/** Why an address of `[[listen]]` cannot be used, by the code of the error. */
const LISTEN_ERRORS: Record<string, string> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'a port below 1024 needs a permission',
  EADDRNOTAVAIL: 'it is no address of this machine',
}
