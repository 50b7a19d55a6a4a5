/** What an app is given to serve with, and what it gives back. */
import type { Registry } from '@bun-monitoring/metrics'
import type { Logger } from './logger.ts'
import type { RequestTally } from './tally.ts'

/** What a worker gets to serve with. */
export interface Worker {
  /** From 1. */
  id: number
  registry: Registry
  tally: RequestTally
  log: Logger
}

/** A server that takes traffic. */
export interface Served {
  hostname: string
  port: number
  /** Takes no new requests and resolves when those in flight are answered; with `force` it cuts them off. */
  stop(force: boolean): Promise<void>
}
