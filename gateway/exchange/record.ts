/** The metrics and the access log entry of one exchange. */
import type { HttpServerMetrics } from '@bun-monitoring/metrics'
import { METHODS } from '../http1/methods.ts'
import type { Rejection } from '../http1/rejections.ts'
import type { ResponseRule } from '../http1/response_head.ts'
import type { RequestFields } from '../forward/request_fields.ts'
import { requestLineOf } from '../forward/request_head.ts'
import type { Incoming } from '../routing/request_filters.ts'
import type { AccessLogMode } from '../observe/access_log.ts'
import { type Failure, NO_RESPONSE } from '../upstream/failure_responses.ts'
import type { ConnectionOwner } from '../upstream/upstream_connection.ts'
import type { ExchangeContext } from './downstream.ts'

/** nginx's status for a client that left before the head of its response: for metrics and log only. */
export const CLIENT_GONE = 499

/** The host of a request for the log: none is left out. */
const hostEntry = ({ host }: RequestFields): string | undefined => (host === '' ? undefined : host)

/** What the log says of the client. */
export const clientEntry = (fields: RequestFields) => ({
  client: fields.client,
  host: hostEntry(fields),
  user_agent: fields.userAgent,
})

/** The class of the error, for `http_server_exceptions_total`. */
class UpstreamFailure extends Error {
  override name = 'UpstreamFailure'
}

const UPSTREAM_FAILURE = new UpstreamFailure()

export class ExchangeRecord {
  status = NO_RESPONSE
  reason: Rejection | Failure | undefined
  /** The rule that a malformed response breaks. */
  rule: ResponseRule | undefined
  /** The id that the upstream got. */
  requestId = ''
  traceId = ''
  readonly #routeId: string
  readonly #requestLine: string
  readonly #fields: RequestFields
  readonly #mode: AccessLogMode
  readonly #measured: ReturnType<HttpServerMetrics['begin']>
  #headMs = 0

  constructor(
    readonly context: ExchangeContext,
    incoming: Incoming,
  ) {
    this.#routeId = incoming.route!.id
    this.#fields = incoming.fields
    this.#mode = incoming.route!.accessLog ?? context.accessLog.config.access
    this.#requestLine = this.isLogged ? requestLineOf(incoming) : ''
    this.#measured = context.exchangeMetrics.http.begin(METHODS[incoming.line.method]!)
  }

  /** Whether the request may get a line in the access log. */
  get isLogged(): boolean {
    return this.#mode !== 'off'
  }

  get startedMs(): number {
    return this.#measured.startedMs
  }

  /** The status is known: the request ends here for metrics. */
  onStatus(status: number): void {
    this.status = status
    if (this.isLogged) this.#headMs = performance.now()
    this.context.exchangeMetrics.http.end(this.#measured, this.#routeId, status)
  }

  onFailure(failure: Failure): void {
    this.reason = failure
    this.context.exchangeMetrics.http.exception(this.#routeId, UPSTREAM_FAILURE)
  }

  /** The exchange is over. */
  finish(receivedBytes: number, sentBytes: number, target: ConnectionOwner | undefined): void {
    const { accessLog, exchangeMetrics } = this.context
    exchangeMetrics.transferred(this.#routeId, receivedBytes, sentBytes)
    if (!accessLog.takes(this.status, this.#mode)) return
    // One literal: spreading others into it costs half of the line's time.
    accessLog.add(this.#mode, {
      client: this.#fields.client,
      host: hostEntry(this.#fields),
      user_agent: this.#fields.userAgent,
      request: this.#requestLine,
      route: this.#routeId,
      status: this.status,
      // To the microsecond: further digits are noise.
      seconds: Math.round((this.#headMs - this.startedMs) * 1000) / 1e6,
      received_bytes: receivedBytes,
      sent_bytes: sentBytes,
      request_id: this.requestId,
      trace_id: this.traceId,
      target: target?.name,
      reason: this.reason,
      rule: this.rule,
    })
  }
}
