/** The metrics of requests and their responses, forwarded or local. */
import {
  Counter,
  exponentialBuckets,
  Histogram,
  HttpServerMetrics,
  type Registry,
  type RequestTally,
} from '@bun-monitoring/metrics'

const SIZE_BUCKETS = exponentialBuckets(64, 8, 8)

type HistogramChild = ReturnType<Histogram['labels']>

export class ExchangeMetrics {
  readonly http: HttpServerMetrics
  readonly aborts: ReturnType<Counter['labels']>
  readonly #requestBytes: Histogram
  readonly #responseBytes: Histogram
  readonly #byRoute = new Map<string, { request: HistogramChild; response: HistogramChild }>()

  constructor(
    registry: Registry,
    readonly tally: RequestTally & { sentBytes: number },
  ) {
    const registers = [registry]
    this.http = new HttpServerMetrics(registry, tally)
    const size = (name: string) =>
      new Histogram({
        name: `http_server_${name}_body_size_bytes`,
        help: `Bytes of ${name} bodies, without framing`,
        labelNames: ['http_route'],
        buckets: SIZE_BUCKETS,
        registers,
      })
    this.#requestBytes = size('request')
    this.#responseBytes = size('response')
    this.aborts = new Counter({
      name: 'gateway_client_aborts_total',
      help: 'Clients that left before they had the whole response',
      registers,
    }).labels()
  }

  /** Counts the bodies of a request and its response. */
  transferred(route: string, requestBytes: number, responseBytes: number): void {
    let children = this.#byRoute.get(route)
    if (children === undefined) {
      children = { request: this.#requestBytes.labels(route), response: this.#responseBytes.labels(route) }
      this.#byRoute.set(route, children)
    }
    children.request.observe(requestBytes)
    children.response.observe(responseBytes)
    this.tally.sentBytes += responseBytes
  }
}
