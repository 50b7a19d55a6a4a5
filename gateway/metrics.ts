/** What the gateway measures, on top of the families that every HTTP server has. Children are looked up once. */
import {
  Counter,
  exponentialBuckets,
  Gauge,
  Histogram,
  HTTP_DURATION_BUCKETS,
  HttpServerMetrics,
  type Registry,
  type RequestTally,
} from '@bun-monitoring/metrics'
import { HEALTH_STATES, type HealthState } from './health.ts'
import { CAUSES, type Cause, RETRY_REASONS, type RetryReason } from './refusals.ts'
import type { Upstream } from './upstream.ts'

/** The status of an attempt that got no answer. */
export const NO_ANSWER = 0

const SIZE_BUCKETS = exponentialBuckets(64, 8, 8)

type CounterChild = ReturnType<Counter['labels']>
type GaugeChild = ReturnType<Gauge['labels']>
type HistogramChild = ReturnType<Histogram['labels']>

/** What clients' connections are doing. */
export const CLIENT_STATES = ['reading', 'writing', 'waiting'] as const
export type ClientState = (typeof CLIENT_STATES)[number]

/** The children of one upstream. */
export interface UpstreamMetrics {
  attempts: CounterChild
  /** By status. */
  durations: (HistogramChild | undefined)[]
  connects: { ok: CounterChild; failed: CounterChild; timeout: CounterChild }
  connectSeconds: HistogramChild
  retries: Record<RetryReason, CounterChild>
  queueSeconds: HistogramChild
  queueLength: GaugeChild
  targets: Record<HealthState, GaugeChild>
  idle: GaugeChild
  active: GaugeChild
}

export class GatewayMetrics {
  readonly http: HttpServerMetrics
  readonly receivedBytes: CounterChild
  readonly sentBytes: CounterChild
  readonly accepted: CounterChild
  readonly aborts: CounterChild
  readonly #rejections: Record<Cause, CounterChild>
  readonly #clients: Record<ClientState, GaugeChild>
  readonly #requestBytes: Histogram
  readonly #answerBytes: Histogram
  readonly #byRoute = new Map<string, { request: HistogramChild; answer: HistogramChild }>()
  readonly #durations: Histogram
  readonly #attempts: Counter
  readonly #connects: Counter
  readonly #connectSeconds: Histogram
  readonly #connections: Gauge
  readonly #retries: Counter
  readonly #queueSeconds: Histogram
  readonly #queueLength: Gauge
  readonly #targets: Gauge

  constructor(
    registry: Registry,
    readonly tally: RequestTally & { sentBytes: number },
  ) {
    const registers = [registry]
    this.http = new HttpServerMetrics(registry, tally)
    const size = (direction: string, name: string) =>
      new Histogram({
        name: `http_server_${name}_body_size_bytes`,
        help: `Bytes of bodies that were ${direction}, without their framing`,
        labelNames: ['http_route'],
        buckets: SIZE_BUCKETS,
        registers,
      })
    this.#requestBytes = size('received', 'request')
    this.#answerBytes = size('sent', 'response')
    this.#durations = new Histogram({
      name: 'gateway_upstream_request_duration_seconds',
      help: 'Time from sending a request to the head of its answer, in seconds; status 0: there was none',
      labelNames: ['upstream', 'http_response_status_code'],
      // Those of http_server_request_duration_seconds: the difference of the two is the gateway's own time.
      buckets: [...HTTP_DURATION_BUCKETS],
      registers,
    })
    const counter = (name: string, help: string, ...labelNames: string[]) =>
      new Counter({ name: `gateway_${name}_total`, help, labelNames, registers })
    this.#attempts = counter(
      'upstream_attempts',
      'Requests that were sent to an upstream, or tried to',
      'upstream',
    )
    this.#connects = counter(
      'upstream_connects',
      'Connections to an upstream, by how they began',
      'upstream',
      'result',
    )
    this.#connectSeconds = new Histogram({
      name: 'gateway_upstream_connect_seconds',
      help: 'Time until a new connection to an upstream was open, in seconds',
      labelNames: ['upstream'],
      buckets: [...HTTP_DURATION_BUCKETS],
      registers,
    })
    this.#connections = new Gauge({
      name: 'gateway_upstream_connections',
      help: 'Connections to an upstream, by what they are doing',
      labelNames: ['upstream', 'state'],
      registers,
    })
    this.#retries = counter(
      'upstream_retries',
      'Requests that were sent once more, by why',
      'upstream',
      'reason',
    )
    this.#queueSeconds = new Histogram({
      name: 'gateway_upstream_queue_seconds',
      help: 'Time that a request waited for a connection or a target, in seconds; only of those that waited',
      labelNames: ['upstream'],
      buckets: [...HTTP_DURATION_BUCKETS],
      registers,
    })
    this.#queueLength = new Gauge({
      name: 'gateway_upstream_queue_length',
      help: 'Requests that wait for a connection to an upstream, or for a target that is ready',
      labelNames: ['upstream'],
      registers,
    })
    this.#targets = new Gauge({
      name: 'gateway_upstream_targets',
      help: 'Targets of an upstream by their state, as the worker has them that has most in it',
      labelNames: ['upstream', 'state'],
      // Each worker has the same targets: added up they would be too many.
      aggregator: 'max',
      registers,
    })
    const rejections = counter('rejections', 'Requests that were refused, by why', 'reason')
    this.#rejections = each(Object.keys(CAUSES) as Cause[], (reason) => rejections.labels(reason))
    this.aborts = counter('client_aborts', 'Clients that left before they had the whole answer').labels()
    this.accepted = counter('connections_accepted', 'Connections that clients opened').labels()
    this.receivedBytes = counter('received_bytes', 'Bytes from clients').labels()
    this.sentBytes = counter('sent_bytes', 'Bytes to clients').labels()
    const clients = new Gauge({
      name: 'gateway_connections',
      help: 'Connections of clients, by what they are doing',
      labelNames: ['state'],
      registers,
    })
    this.#clients = each(CLIENT_STATES, (state) => clients.labels(state))
  }

  /** The children of an upstream, at 0. */
  upstream(upstream: string): UpstreamMetrics {
    const durations: (HistogramChild | undefined)[] = []
    durations[NO_ANSWER] = this.#durations.labels(upstream, NO_ANSWER)
    const connects = (result: string) => this.#connects.labels(upstream, result)
    return {
      attempts: this.#attempts.labels(upstream),
      durations,
      connects: { ok: connects('ok'), failed: connects('failed'), timeout: connects('timeout') },
      connectSeconds: this.#connectSeconds.labels(upstream),
      retries: each(RETRY_REASONS, (reason) => this.#retries.labels(upstream, reason)),
      queueSeconds: this.#queueSeconds.labels(upstream),
      queueLength: this.#queueLength.labels(upstream),
      targets: each(HEALTH_STATES, (state) => this.#targets.labels(upstream, state)),
      idle: this.#connections.labels(upstream, 'idle'),
      active: this.#connections.labels(upstream, 'active'),
    }
  }

  rejected(cause: Cause): void {
    this.#rejections[cause].inc()
  }

  /** Counts an answer of an upstream, or that there was none. */
  answered({ name, metrics: { durations } }: Upstream, status: number, seconds: number): void {
    const child = (durations[status] ??= this.#durations.labels(name, status))
    child.observe(seconds)
  }

  /** Counts the bodies of an exchange. */
  passed(route: string, requestBytes: number, answerBytes: number): void {
    let children = this.#byRoute.get(route)
    if (children === undefined) {
      children = { request: this.#requestBytes.labels(route), answer: this.#answerBytes.labels(route) }
      this.#byRoute.set(route, children)
    }
    children.request.observe(requestBytes)
    children.answer.observe(answerBytes)
    this.tally.sentBytes += answerBytes
  }

  /** Says what connections are doing just now. */
  observe(clients: Record<ClientState, number>, upstreams: Iterable<Upstream>): void {
    for (const state of CLIENT_STATES) this.#clients[state].set(clients[state])
    for (const { metrics, idleConnections, activeConnections, waiting, states } of upstreams) {
      metrics.idle.set(idleConnections)
      metrics.active.set(activeConnections)
      metrics.queueLength.set(waiting)
      for (const state of HEALTH_STATES) metrics.targets[state].set(states[state])
    }
  }
}

/** A child for each of the label's values. */
const each = <Key extends string, Child>(keys: readonly Key[], child: (key: Key) => Child) =>
  Object.fromEntries(keys.map((key) => [key, child(key)])) as Record<Key, Child>
