/** How much and how long: what every part of the data plane is given. */
import type { Logger } from '@bun-monitoring/prefork'
import type { FieldList } from './fields.ts'

export interface Limits {
  lineBytes: number
  headersBytes: number
  headersCount: number
  bodyBytes: number
  /** Clients at one time. */
  connections: number
}

export interface Timeouts {
  requestHeaderMs: number
  bodyStallMs: number
  connectMs: number
  responseHeaderMs: number
  clientIdleMs: number
  poolIdleMs: number
}

/** The time of the last sweep: near enough for deadlines, and cheaper than a clock. */
export interface Clock {
  nowMs: number
}

/** What all connections of a gateway have in common, to clients and to upstreams. */
export interface Shared {
  limits: Limits
  timeouts: Timeouts
  clock: Clock
  /** Filled again by each head that is read. */
  fields: FieldList
  log: Logger
}

export const NEVER = Infinity
