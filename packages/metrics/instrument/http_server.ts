/**
 * The metrics of an HTTP server. The Elysia plugin and the gateway call `begin` and `end` here for each request, so both count
 * alike; each finds the route of a request in its own way.
 */
import { Counter } from '../api/counter.ts'
import { Gauge, type GaugeChild } from '../api/gauge.ts'
import { Histogram, type HistogramChild } from '../api/histogram.ts'
import type { Registry } from '../api/registry.ts'

/** The route of a request that matches none. With the raw path instead, any client could make new series. */
export const UNMATCHED = 'unmatched'

/** Upper bounds in seconds, also for metrics that are compared with the duration of a request. */
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

/** The method as a label value; `_OTHER` for a method that is not standard. */
export const knownMethod = (method: string): string => (KNOWN_METHODS.has(method) ? method : '_OTHER')

/**
 * A request in flight, as the tally sees it. The request is itself a link of the tally's list, which needs no allocation and
 * keeps the oldest request known.
 */
export interface TalliedRequest {
  /** `performance.now()` when it began. */
  startedMs: number
  /** Empty until it is known. */
  route: string
  previous: TalliedRequest | undefined
  next: TalliedRequest | undefined
  isEnded?: boolean
}

/** Is told of each request: prefork keeps its numbers by worker with it. */
export interface RequestTally {
  exceptions: number
  begin(request: TalliedRequest): void
  /** The route of a request in flight has become known. */
  route?(request: TalliedRequest): void
  end(request: TalliedRequest, nowMs: number): void
}

/** Requests of one method: its gauge, and their durations by route. */
interface Lane {
  readonly method: string
  readonly active: GaugeChild
  readonly routes: Map<string, Route>
}

/** Durations of one method on one route. The series of the last status is kept, because most responses have the same. */
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
      help: 'Time from the arrival of a request to the head of its response, in seconds',
      labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
      buckets: HTTP_DURATION_BUCKETS,
      registers,
    })
    this.#active = new Gauge({
      name: 'http_server_active_requests',
      help: 'Requests in flight',
      labelNames: ['http_request_method'],
      registers,
      // The series of each method is shown also at 0, and after a reset.
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

  /** Sets the route of a request in flight, as soon as it is known. */
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

  /** Counts an error that ended in a 5xx. An error of the client's (4xx) is not an exception. */
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
