/** What an app is given to serve with, and what it gives back. The process that runs it is in work.ts. */
import type { Registry } from '@bun-monitoring/metrics'
import type { Logger } from './logger.ts'
import type { RequestTally } from './tally.ts'

/** Where a worker listens: `reusePort` where others of its family listen, too. */
export type Address = { hostname: string; port: number; reusePort: boolean } | { unix: string }

/** What a worker gets to serve with. */
export interface Worker {
  /** From 1. */
  id: number
  registry: Registry
  tally: RequestTally
  log: Logger
  /** All of them: one port, and a socket of the worker's own where `SOCKET_DIR` is set. */
  addresses: readonly Address[]
}

/** A server that takes traffic. {@link serveHttp} makes one of a `fetch` handler. */
export interface Served {
  /** From now on every answer says `Connection: close`; new connections are still taken. */
  lameDuck(): void
  /** Takes no new requests and resolves when those in flight are answered; with `force` it cuts them off. */
  stop(force: boolean): Promise<void>
}
