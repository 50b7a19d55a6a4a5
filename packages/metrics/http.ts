/**
 * The families that describe an HTTP server, whatever it is made of: the Elysia plugin and the gateway both
 * begin and end requests here, so both count alike. How to know a request's route is their business.
 */
import { Counter } from './counter.ts'
import { Gauge, type GaugeChild } from './gauge.ts'
import { Histogram } from './histogram.ts'
import type { Registry } from './registry.ts'

/** The route of a request that matched none: a raw path would let any client make new series. */
export const UNMATCHED = 'unmatched'

/** Upper bounds in seconds, for whatever is compared with the duration of a request. */
export const HTTP_DURATION_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** RFC 9110 section 9 and PATCH (RFC 5789). */
const KNOWN_METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
])

/** The method as a label value: `_OTHER` for whatever is not a standard method. */
export const knownMethod = (method: string): string => (KNOWN_METHODS.has(method) ? method : '_OTHER')

/** A request in flight, with the links that make a list of all of them: the oldest is known without a search. */
export interface TalliedRequest {
  readonly startedMs: number
  route: string
  previous: TalliedRequest | undefined
  next: TalliedRequest | undefined
}

/** Who else wants to know that a request began and ended: prefork's per-worker numbers. */
export interface RequestTally {
  exceptions: number
  begin(request: TalliedRequest): void
  end(request: TalliedRequest, nowMs: number): void
}

/** A request between its begin and its end. */
export interface MeasuredRequest extends TalliedRequest {
  readonly method: string
  readonly active: GaugeChild
}

export class HttpServerMetrics {
  readonly #duration: Histogram
  readonly #active: Gauge
  readonly #exceptions: Counter
  readonly #tally: RequestTally | undefined

  constructor(registry: Registry, tally?: RequestTally) {
    const registers = [registry]
    this.#tally = tally
    this.#duration = new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Time from the arrival of a request to the head of its answer, in seconds',
      labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
      buckets: HTTP_DURATION_BUCKETS,
      registers,
    })
    this.#active = new Gauge({
      name: 'http_server_active_requests',
      help: 'Requests in flight',
      labelNames: ['http_request_method'],
      registers,
    })
    this.#exceptions = new Counter({
      name: 'http_server_exceptions_total',
      help: 'Errors that ended a request with a 5xx status, by class of the error',
      labelNames: ['http_route', 'error_type'],
      registers,
    })
    this.#active.labels('GET').set(0)
  }

  begin(rawMethod: string): MeasuredRequest {
    const method = knownMethod(rawMethod)
    const active = this.#active.labels(method)
    active.inc()
    const startedMs = performance.now()
    const request = { method, active, startedMs, route: '', previous: undefined, next: undefined }
    this.#tally?.begin(request)
    return request
  }

  /** Counts the request. Call it once for each `begin`. */
  end(request: MeasuredRequest, route: string, status: number): void {
    const nowMs = performance.now()
    request.active.dec()
    this.#duration.labels(request.method, route, status).observe((nowMs - request.startedMs) / 1000)
    this.#tally?.end(request, nowMs)
  }

  /** Counts an error that the client sees as a 5xx. What is the client's own fault is no exception. */
  exception(route: string, error: unknown): void {
    this.#exceptions.labels(route, error instanceof Error ? error.constructor.name : typeof error).inc()
    if (this.#tally) this.#tally.exceptions++
  }
}
