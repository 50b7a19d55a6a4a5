/** The gateway, as far as clients' connections use it. */
import type { ExchangeContext } from '../exchange/downstream.ts'
import type { Peer, Peers } from '../forward/peers.ts'
import type { Context } from '../io/context.ts'
import type { AccessLogEntry, AccessLogMode } from '../observe/access_log.ts'
import type { Incoming } from '../routing/request_filters.ts'
import type { ClientMetrics } from './metrics.ts'

/** The gateway, as far as a client's connection uses it. gateway.ts implements it. */
export interface ClientContext extends ExchangeContext, Context {
  readonly peers: Peers
  readonly clientMetrics: ClientMetrics
  /** The request that is being read. */
  readonly incoming: Incoming
  /** The connection is closed. */
  forget(client: { readonly peer: Peer }): void
  /** Counts and logs a local reply. */
  count(method: number, entry: AccessLogEntry, mode?: AccessLogMode): void
}
