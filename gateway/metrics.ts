/** What the gateway measures, on top of the families that every HTTP server has. */
import {
  Counter,
  HTTP_DURATION_BUCKETS,
  Histogram,
  HttpServerMetrics,
  type Registry,
  type RequestTally,
} from '@bun-monitoring/metrics'

/** The status of an attempt that got none. */
export const NO_ANSWER = 0

export class GatewayMetrics {
  readonly http: HttpServerMetrics
  readonly #upstreamDuration: Histogram<'upstream' | 'http_response_status_code'>
  readonly #attempts: Counter<'upstream'>
  readonly #clientAborts: Counter

  constructor(registry: Registry, tally: RequestTally, upstreams: readonly string[]) {
    const registers = [registry]
    this.http = new HttpServerMetrics(registry, tally)
    this.#upstreamDuration = new Histogram({
      name: 'gateway_upstream_request_duration_seconds',
      help: 'Time from sending a request to the head of its answer, in seconds; status 0: there was none',
      labelNames: ['upstream', 'http_response_status_code'],
      // Those of http_server_request_duration_seconds: the difference of the two is the gateway's own time.
      buckets: [...HTTP_DURATION_BUCKETS],
      registers,
    })
    this.#attempts = new Counter({
      name: 'gateway_upstream_attempts_total',
      help: 'Requests that were sent to an upstream, or tried to',
      labelNames: ['upstream'],
      registers,
    })
    this.#clientAborts = new Counter({
      name: 'gateway_client_aborts_total',
      help: 'Clients that hung up before they had the whole answer',
      registers,
    })
    for (const upstream of upstreams) {
      this.#upstreamDuration.zero({ upstream, http_response_status_code: NO_ANSWER })
      this.#attempts.inc({ upstream }, 0)
    }
  }

  /**
   * Counts an attempt.
   * @returns what takes its end: the status of the answer, or {@link NO_ANSWER}. Not to be called where the client
   * is why there was none.
   */
  attempt(upstream: string): (status: number) => void {
    this.#attempts.inc({ upstream })
    const end = this.#upstreamDuration.startTimer({ upstream })
    return (status) => void end({ http_response_status_code: status })
  }

  clientAborted(): void {
    this.#clientAborts.inc()
  }
}
