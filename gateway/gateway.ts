/** The state that all connections of a worker share: limits, routes, upstreams, metrics, and the clock of all deadlines. */
import type { Logger, Worker } from '@bun-monitoring/prefork'
import { ClientMetrics, type ClientState } from './client/metrics.ts'
import type { ClientConnection } from './client/client_connection.ts'
import type { Handshake } from './client/handshake.ts'
import type { ClientRegistry } from './client/listener.ts'
import type { TurnedAway } from './client/turned_away.ts'
import type { Limits, Timeouts } from './config/limits.ts'
import type { GatewayConfig } from './config/settings.ts'
import { ExchangeMetrics } from './exchange/metrics.ts'
import { Peers } from './forward/peers.ts'
import { FieldList } from './http1/fields.ts'
import { METHODS } from './http1/methods.ts'
import { RequestLine } from './http1/request_line.ts'
import type { Clock } from './io/context.ts'
import { connectionsWithin, openFileLimit } from './io/files.ts'
import { RateTable } from './io/rate_table.ts'
import { AccessLog, type AccessLogEntry } from './observe/access_log.ts'
import type { ErrorPages } from './routing/error_pages.ts'
import type { Incoming } from './routing/request_filters.ts'
import { publishRoutes } from './routing/route_info.ts'
import { compileRoutes } from './routing/route_table.ts'
import { UpstreamFamilies } from './upstream/metrics.ts'
import { Upstream } from './upstream/upstream.ts'

/** The configured limits, with as many connections as the limit of open files allows. */
function limitsWithin({ limits, upstreams }: GatewayConfig): { files: number; limits: Limits } {
  const files = openFileLimit()
  const most = upstreams.reduce((sum, { maxConnections }) => sum + maxConnections, 0)
  const connections = connectionsWithin(files, limits.connections, most)
  return { files, limits: connections === limits.connections ? limits : { ...limits, connections } }
}

/** The pid that all workers of a gateway share: that of their master. */
const clusterPid = ({ workers }: GatewayConfig): number => (workers === 0 ? process.pid : process.ppid)

/** The parts of a worker that the gateway uses. */
export type GatewayWorker = Pick<Worker, 'registry' | 'tally' | 'log'>

export class Gateway implements ClientRegistry {
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly clock: Clock
  readonly fields: FieldList
  readonly responseFields: FieldList
  readonly log: Logger
  readonly peers: Peers
  readonly clientMetrics: ClientMetrics
  readonly exchangeMetrics: ExchangeMetrics
  readonly accessLog: AccessLog
  readonly errorPages: ErrorPages
  readonly incoming: Incoming
  readonly upstreams: readonly Upstream[]
  readonly clients = new Set<ClientConnection>()
  readonly turnedAway = new Set<TurnedAway>()
  readonly handshakes = new Set<Handshake>()
  isLameDuck = false
  /** Called when the last client is gone. */
  onEmpty: (() => void) | undefined
  readonly #byName: ReadonlyMap<string, Upstream>

  constructor(
    config: GatewayConfig,
    { registry, tally, log }: GatewayWorker,
    nowMs: number,
    writeLog: (lines: string) => void,
  ) {
    const { files, limits } = limitsWithin(config)
    this.limits = limits
    if (limits !== config.limits)
      log.warn(
        { connections: limits.connections, files },
        `connections = ${config.limits.connections} does not fit into the limit of open files (${files}): it is ${limits.connections}`,
      )
    this.timeouts = config.timeouts
    this.clock = { nowMs }
    this.fields = new FieldList(config.limits.headersCount)
    this.responseFields = new FieldList(config.limits.responseHeadersCount)
    this.errorPages = config.errors
    this.log = log
    this.peers = new Peers(config.trustedProxies)
    this.clientMetrics = new ClientMetrics(registry)
    this.exchangeMetrics = new ExchangeMetrics(registry, tally)
    this.accessLog = new AccessLog(config.log, writeLog, this.clientMetrics.logLinesLeftOut)
    const families = new UpstreamFamilies(registry)
    this.upstreams = config.upstreams.map(
      (upstream) => new Upstream(upstream, this, families.of(upstream.name)),
    )
    this.#byName = new Map(this.upstreams.map((upstream) => [upstream.name, upstream]))
    const hasRates = config.routes.some(({ rate }) => rate !== undefined)
    this.incoming = {
      bytes: Buffer.alloc(0),
      line: new RequestLine(),
      fields: undefined as never,
      end: 0,
      routes: compileRoutes(config.routes, config, {
        table: hasRates ? RateTable.shared(clusterPid(config)) : undefined,
        onLimited: (route) => this.clientMetrics.limited(route),
      }),
      limits,
      route: undefined,
      form: 'plain',
    }
    publishRoutes(registry, this.incoming.routes)
  }

  onGone(): void {
    if (this.clients.size + this.handshakes.size === 0) this.onEmpty?.()
  }

  upstream(name: string): Upstream {
    return this.#byName.get(name)!
  }

  forget(client: ClientConnection): void {
    this.clients.delete(client)
    this.peers.leave(client.peer)
    this.onGone()
  }

  count(method: number, entry: AccessLogEntry, mode = this.accessLog.config.access): void {
    const { route, status, received_bytes = 0, sent_bytes = 0 } = entry
    const { http } = this.exchangeMetrics
    http.end(http.begin(METHODS[method]!), route, status)
    this.exchangeMetrics.transferred(route, received_bytes, sent_bytes)
    if (this.accessLog.takes(status, mode)) this.accessLog.add(mode, entry)
  }

  /** Enforces deadlines, and sets the gauges of connections. */
  sweep(nowMs: number): void {
    this.clock.nowMs = nowMs
    const states: Record<ClientState, number> = { reading: 0, writing: 0, waiting: 0 }
    for (const client of this.clients) {
      states[client.state]++
      if (nowMs > client.deadlineMs) client.onDeadline()
    }
    for (const client of [...this.turnedAway, ...this.handshakes])
      if (nowMs > client.deadlineMs) client.reset()
    this.clientMetrics.observe(states)
    for (const upstream of this.upstreams) upstream.sweep(nowMs)
  }

  close(): void {
    for (const client of [...this.clients, ...this.turnedAway, ...this.handshakes]) client.reset()
    for (const upstream of this.upstreams) upstream.close()
  }
}
