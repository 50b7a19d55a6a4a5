/** What every connection of a gateway shares, and the clock that ends what takes too long. */
import type { Logger } from '@bun-monitoring/prefork'
import type { AccessLog, AccessLogEntry } from './access_log.ts'
import type { ClientConnection } from './client.ts'
import type { FieldList } from './fields.ts'
import type { Clock, Limits, Shared, Timeouts } from './limits.ts'
import { METHODS } from './methods.ts'
import type { ClientState, GatewayMetrics } from './metrics.ts'
import type { Incoming } from './passes.ts'
import type { Peers } from './peers.ts'
import { RequestLine } from './request_line.ts'
import type { Route } from './routes.ts'
import type { Upstream } from './upstream.ts'

export class Gateway {
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly clock: Clock
  readonly fields: FieldList
  readonly log: Logger
  /** The request that is being read. */
  readonly incoming: Incoming
  readonly clients = new Set<ClientConnection>()
  /** Whether every answer says that its connection is the last. */
  isLameDuck = false
  /** Called when the last client is gone. */
  onEmpty: (() => void) | undefined

  constructor(
    shared: Shared,
    readonly peers: Peers,
    readonly upstreams: readonly Upstream[],
    routes: readonly Route[],
    readonly metrics: GatewayMetrics,
    readonly accessLog: AccessLog,
  ) {
    this.limits = shared.limits
    this.timeouts = shared.timeouts
    this.clock = shared.clock
    this.fields = shared.fields
    this.log = shared.log
    this.incoming = {
      bytes: Buffer.alloc(0),
      line: new RequestLine(),
      fields: undefined as never,
      end: 0,
      routes,
      limits: shared.limits,
      route: undefined,
      isNormal: true,
    }
  }

  /** @returns whether it was known until now. */
  forget(client: ClientConnection): boolean {
    if (!this.clients.delete(client)) return false
    this.peers.leave(client.peer)
    if (this.clients.size === 0) this.onEmpty?.()
    return true
  }

  /** Counts a request that the gateway answers itself, and logs it. */
  count(method: number, entry: AccessLogEntry): void {
    const { route, status, received_bytes = 0, sent_bytes = 0 } = entry
    this.metrics.http.end(this.metrics.http.begin(METHODS[method]!), route, status)
    this.metrics.passed(route, received_bytes, sent_bytes)
    if (this.accessLog.takes(status)) this.accessLog.add(entry)
  }

  /** Ends what took too long, and says in the metrics what connections are doing. */
  sweep(nowMs: number): void {
    this.clock.nowMs = nowMs
    const states: Record<ClientState, number> = { reading: 0, writing: 0, waiting: 0 }
    for (const client of this.clients) {
      states[client.state]++
      if (nowMs > client.deadlineMs) client.onDeadline()
    }
    for (const upstream of this.upstreams) upstream.sweep(nowMs)
    this.metrics.observe(states, this.upstreams)
  }

  close(): void {
    for (const client of this.clients) client.cut()
    for (const upstream of this.upstreams) upstream.close()
  }
}
