/** The interfaces through which an exchange uses the client's connection and the gateway. */
import type { Limits } from '../config/limits.ts'
import type { WriteQueue } from '../io/write_queue.ts'
import type { AccessLog } from '../observe/access_log.ts'
import type { ErrorPages } from '../routing/error_pages.ts'
import type { LocalReply } from '../routing/local_reply.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { ExchangeMetrics } from './metrics.ts'

/** The client's connection. client/client_connection.ts implements it. */
export interface Downstream {
  readonly out: WriteQueue
  /** Whether the client sends no further request. */
  readonly isLast: boolean
  /** Progress was made: sets the deadline anew. */
  touch(): void
  /** Stops and continues reading. */
  pause(): void
  resume(): void
  /** From now on all bytes pass unread. */
  onTunnel(): void
  /** Sends a local reply. */
  reply(reply: LocalReply, connection: string, hasBody: boolean): void
  /** The response is complete. @param isWhole whether the whole request was received */
  onFinished(closes: boolean, isWhole: boolean): void
  /** The rest of the response is missing: closes so that the client notices, with a reset if it must. */
  breakOff(isReset: boolean): void
}

/** The gateway. gateway.ts implements it. */
export interface ExchangeContext {
  readonly limits: Limits
  readonly accessLog: AccessLog
  readonly exchangeMetrics: ExchangeMetrics
  readonly errorPages: ErrorPages
  /** Whether each response must close its connection. */
  readonly isLameDuck: boolean
  upstream(name: string): Upstream
}
