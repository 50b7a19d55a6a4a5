/** The metrics of upstreams. Children are looked up once for each upstream. */
import { Counter, Gauge, Histogram, HTTP_DURATION_BUCKETS, type Registry } from '@bun-monitoring/metrics'
import { RESPONSE_RULES, type ResponseRule } from '../http1/response_head.ts'
import { NO_RESPONSE, RETRY_REASONS, type RetryReason } from './failure_responses.ts'
import { HEALTH_STATES, type HealthState } from './health.ts'

type CounterChild = ReturnType<Counter['labels']>
type GaugeChild = ReturnType<Gauge['labels']>
type HistogramChild = ReturnType<Histogram['labels']>

/** The families; `of` gives the children of one upstream. */
export class UpstreamFamilies {
  readonly durations: Histogram
  readonly attempts: Counter
  readonly connects: Counter
  readonly connectSeconds: Histogram
  readonly connections: Gauge
  readonly retries: Counter
  readonly queueSeconds: Histogram
  readonly queueLength: Gauge
  readonly rejections: Counter
  readonly targets: Gauge

  constructor(registry: Registry) {
    const family = (name: string, help: string, ...labelNames: string[]) => ({
      name: `gateway_upstream_${name}`,
      help,
      labelNames: ['upstream', ...labelNames],
      registers: [registry],
    })
    // The buckets of http_server_request_duration_seconds: the difference of the two is the gateway's own time.
    const buckets = [...HTTP_DURATION_BUCKETS]
    this.durations = new Histogram({
      ...family(
        'request_duration_seconds',
        'Time from sending a request to the head of its response, in seconds; status 0: no response',
        'http_response_status_code',
      ),
      buckets,
    })
    this.attempts = new Counter(family('attempts_total', 'Requests sent to an upstream, or tried to'))
    this.connects = new Counter(
      family('connects_total', 'Connections to an upstream, by the result of opening them', 'result'),
    )
    this.connectSeconds = new Histogram({
      ...family('connect_seconds', 'Time until a new connection to an upstream was open, in seconds'),
      buckets,
    })
    this.connections = new Gauge(family('connections', 'Connections to an upstream, by state', 'state'))
    this.retries = new Counter(family('retries_total', 'Requests sent again, by reason', 'reason'))
    this.queueSeconds = new Histogram({
      ...family(
        'queue_seconds',
        'Time that a request waited for a connection or a target, in seconds; only requests that waited',
      ),
      buckets,
    })
    this.queueLength = new Gauge(
      family('queue_length', 'Requests that wait for a connection to an upstream, or for a ready target'),
    )
    this.rejections = new Counter(
      family('rejections_total', 'Responses outside the grammar or the limits, by reason', 'reason'),
    )
    this.targets = new Gauge({
      ...family('targets', 'Targets of an upstream by state: the highest count in any one worker', 'state'),
      // Each worker has the same targets: their sum would be too high.
      aggregator: 'max',
    })
  }

  /** The children of an upstream, at 0. */
  of(upstream: string): UpstreamMetrics {
    return new UpstreamMetrics(this, upstream)
  }
}

/** The children of one upstream. */
export class UpstreamMetrics {
  readonly attempts: CounterChild
  readonly connects: Record<'ok' | 'failed' | 'timeout', CounterChild>
  readonly connectSeconds: HistogramChild
  readonly retries: Record<RetryReason, CounterChild>
  readonly queueSeconds: HistogramChild
  readonly rejections: Record<ResponseRule, CounterChild>
  /** By status. */
  readonly #durations: (HistogramChild | undefined)[] = []
  readonly #families: UpstreamFamilies
  readonly #queueLength: GaugeChild
  readonly #targets: Record<HealthState, GaugeChild>
  readonly #idle: GaugeChild
  readonly #active: GaugeChild
  readonly #tunnel: GaugeChild

  constructor(
    families: UpstreamFamilies,
    readonly upstream: string,
  ) {
    this.#families = families
    this.#durations[NO_RESPONSE] = families.durations.labels(upstream, NO_RESPONSE)
    this.attempts = families.attempts.labels(upstream)
    this.connects = children(['ok', 'failed', 'timeout'], (result) =>
      families.connects.labels(upstream, result),
    )
    this.connectSeconds = families.connectSeconds.labels(upstream)
    this.retries = children(RETRY_REASONS, (reason) => families.retries.labels(upstream, reason))
    this.queueSeconds = families.queueSeconds.labels(upstream)
    this.rejections = children(RESPONSE_RULES, (rule) => families.rejections.labels(upstream, rule))
    this.#queueLength = families.queueLength.labels(upstream)
    this.#targets = children(HEALTH_STATES, (state) => families.targets.labels(upstream, state))
    this.#idle = families.connections.labels(upstream, 'idle')
    this.#active = families.connections.labels(upstream, 'active')
    this.#tunnel = families.connections.labels(upstream, 'tunnel')
  }

  /** Counts an attempt by the status of its response, or {@link NO_RESPONSE}. */
  attempted(status: number, seconds: number): void {
    const child = (this.#durations[status] ??= this.#families.durations.labels(this.upstream, status))
    child.observe(seconds)
  }

  /** Sets the gauges. */
  observe(upstream: {
    idleConnections: number
    activeConnections: number
    tunnels: number
    waiting: number
    states: Record<HealthState, number>
  }): void {
    this.#idle.set(upstream.idleConnections)
    this.#active.set(upstream.activeConnections)
    this.#tunnel.set(upstream.tunnels)
    this.#queueLength.set(upstream.waiting)
    const { states } = upstream
    for (const state of HEALTH_STATES) this.#targets[state].set(states[state])
  }
}

/** A child for each value of a label. */
const children = <Key extends string, Child>(keys: readonly Key[], child: (key: Key) => Child) =>
  Object.fromEntries(keys.map((key) => [key, child(key)])) as Record<Key, Child>
