/** The objects that all connections of a worker share, to clients and to upstreams. */
import type { Logger } from '@bun-monitoring/prefork'
import type { Limits, Timeouts } from '../config/limits.ts'
import type { FieldList } from '../http1/fields.ts'

/** The time of the last sweep: exact enough for deadlines, and cheaper than reading a clock. */
export interface Clock {
  nowMs: number
}

export interface Context {
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly clock: Clock
  /** Filled again by each header block that is parsed. */
  readonly fields: FieldList
  readonly responseFields: FieldList
  readonly log: Logger
}

/** A deadline that never comes. */
export const NEVER = Infinity

/** Silence on a TCP connection before the kernel probes whether the peer is still there. */
export const KEEP_ALIVE_MS = 30_000
