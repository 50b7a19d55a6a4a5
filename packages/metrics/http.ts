/**
 * The families that describe an HTTP server, whatever it is made of: the Elysia plugin and the gateway both
 * begin and end requests here, so both count alike. How to know a request's route is their business.
 */
import { Counter } from './counter.ts'
import { Gauge, type GaugeChild } from './gauge.ts'
import { Histogram, type HistogramChild } from './histogram.ts'
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

/**
 * A request in flight, as the tally sees it: a link of its list, so that the oldest is known and nothing is made for it.
 */
export interface TalliedRequest {
  /** `performance.now()` when it began. */
  startedMs: number
  /** Empty where it is not known yet. */
  route: string
  previous: TalliedRequest | undefined
  next: TalliedRequest | undefined
  isEnded?: boolean
}

/** Who else wants to know that a request began and ended: prefork's per-worker numbers. */
export interface RequestTally {
  exceptions: number
  begin(request: TalliedRequest): void
  /** Its route has become known while it is in flight. */
  route?(request: TalliedRequest): void
  end(request: TalliedRequest, nowMs: number): void
}

/** Requests of one method: its gauge, and their durations by route. */
interface Lane {
  readonly method: string
  readonly active: GaugeChild
  readonly routes: Map<string, Route>
}

/** Durations of one method on one route. Most answers have the status of the last one: its series is at hand. */
interface Route {
  status: number
  duration: HistogramChild
}

/** A request between its begin and its end. */
export class MeasuredRequest implements TalliedRequest {
  readonly startedMs = performance.now()
  route = ''
  previous: TalliedRequest | undefined
  next: TalliedRequest | undefined
  isEnded = false

  constructor(readonly lane: Lane) {}
}

export class HttpServerMetrics {
  readonly #duration: Histogram
  readonly #active: Gauge
  readonly #exceptions: Counter
  readonly #tally: RequestTally | undefined
  readonly #lanes = new Map<string, Lane>()

  constructor(registry: Registry, tally?: RequestTally) {
    const registers = [registry]
    const lanes = this.#lanes
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
      // None in flight is a number, too, also after a reset.
      collect() {
        for (const { method } of lanes.values()) this.labels(method)
      },
    })
    this.#exceptions = new Counter({
      name: 'http_server_exceptions_total',
      help: 'Errors that ended a request with a 5xx status, by class of the error',
      labelNames: ['http_route', 'error_type'],
      registers,
    })
    this.#lane('GET')
  }

  begin(method: string): MeasuredRequest {
    const lane = this.#lanes.get(method) ?? this.#lane(knownMethod(method))
    const request = new MeasuredRequest(lane)
    lane.active.inc()
    if (this.#tally) this.#tally.begin(request)
    return request
  }

  /** Says where a request in flight is going, as soon as somebody knows. */
  routed(request: MeasuredRequest, route: string): void {
    request.route = route
    this.#tally?.route?.(request)
  }

  /** Counts the request. Call it once for each `begin`. */
  end(request: MeasuredRequest, route: string, status: number): void {
    const nowMs = performance.now()
    const { lane } = request
    lane.active.dec()
    const known = lane.routes.get(route)
    const duration = known?.status === status ? known.duration : this.#durationOf(lane, route, status)
    duration.observe((nowMs - request.startedMs) / 1000)
    if (this.#tally) this.#tally.end(request, nowMs)
  }

  /** Counts an error that the client sees as a 5xx. What is the client's own fault is no exception. */
  exception(route: string, error: unknown): void {
    this.#exceptions.labels(route, error instanceof Error ? error.constructor.name : typeof error).inc()
    if (this.#tally) this.#tally.exceptions++
  }

  #lane(method: string): Lane {
    const lane = this.#lanes.get(method) ?? {
      method,
      active: this.#active.labels(method),
      routes: new Map<string, Route>(),
    }
    this.#lanes.set(method, lane)
    return lane
  }

  #durationOf({ method, routes }: Lane, route: string, status: number): HistogramChild {
    const duration = this.#duration.labels(method, route, status)
    routes.set(route, { status, duration })
    return duration
  }
}
