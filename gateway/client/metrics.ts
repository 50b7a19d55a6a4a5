/** The metrics of clients' connections. */
import { Counter, Gauge, type Registry } from '@bun-monitoring/metrics'
import { type Rejection, REJECTIONS } from '../http1/rejections.ts'

type CounterChild = ReturnType<Counter['labels']>

/** The states of clients' connections. */
export const CLIENT_STATES = ['reading', 'writing', 'waiting'] as const
export type ClientState = (typeof CLIENT_STATES)[number]

export class ClientMetrics {
  readonly receivedBytes: CounterChild
  readonly sentBytes: CounterChild
  readonly accepted: CounterChild
  readonly handshakes: Record<'ok' | 'failed', CounterChild>
  readonly logLinesLeftOut: CounterChild
  readonly #rejections: Counter
  readonly #limited: Counter
  readonly #states: Gauge

  constructor(registry: Registry) {
    const registers = [registry]
    const counter = (name: string, help: string, labelNames: string[] = []) =>
      new Counter({ name: `gateway_${name}_total`, help, labelNames, registers })
    this.accepted = counter('connections_accepted', 'Connections that clients opened').labels()
    this.receivedBytes = counter('received_bytes', 'Bytes from clients').labels()
    this.sentBytes = counter('sent_bytes', 'Bytes to clients').labels()
    const handshakes = counter('tls_handshakes', 'TLS handshakes of clients, by result', ['result'])
    this.handshakes = { ok: handshakes.labels('ok'), failed: handshakes.labels('failed') }
    this.logLinesLeftOut = counter(
      'access_log_left_out',
      'Access log lines that were left out, more than errors_per_second',
    ).labels()
    this.#limited = counter('rate_limited', 'Requests above the rate of their route', ['http_route'])
    this.#rejections = counter('rejections', 'Rejected requests, by reason', ['reason'])
    for (const reason of Object.keys(REJECTIONS)) this.#rejections.labels(reason)
    this.#states = new Gauge({
      name: 'gateway_connections',
      help: 'Connections of clients, by state',
      labelNames: ['state'],
      registers,
    })
  }

  rejected(reason: Rejection): void {
    this.#rejections.labels(reason).inc()
  }

  limited(route: string): void {
    this.#limited.labels(route).inc()
  }

  /** Sets the gauge. */
  observe(counts: Record<ClientState, number>): void {
    for (const state of CLIENT_STATES) this.#states.labels(state).set(counts[state])
  }
}
