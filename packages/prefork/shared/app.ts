/**
 * The app that a worker runs: what it is given to serve with, and what it gives back. The process around it is
 * worker/run_worker.ts, or run_single.ts where there is no master.
 */
import type { Registry } from '@bun-monitoring/metrics'
import type { Logger } from './logger.ts'
import type { RequestCounters } from './request_counters.ts'

/** Where a worker listens. `reusePort` is true where the other workers of the cluster listen on the same port. */
export type Address = { hostname: string; port: number; reusePort: boolean } | { unix: string }

/** What a worker gives its app. */
export interface Worker {
  /** The worker's slot, from 1. */
  id: number
  registry: Registry
  /** An app that takes this counts its requests itself. Without it `serveHttp` counts each request once. */
  readonly tally: RequestCounters
  log: Logger
  /** One port and, where `SOCKET_DIR` is set, a unix socket of the worker's own. The app listens on all of them. */
  addresses: readonly Address[]
}

/** A server that takes traffic. `serveHttp` makes one from a `fetch` handler. */
export interface Served {
  /** From now on every response says `Connection: close`. New connections are still accepted. */
  lameDuck(): void
  /**
   * Requests whose response is not complete. Without this function those count that `Worker.tally` has in flight.
   */
  inFlight?(): number
  /** Stops accepting and resolves when the requests in flight are answered. With `force` it closes their connections. */
  stop(force: boolean): Promise<void>
}
