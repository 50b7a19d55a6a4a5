/**
 * A target of an upstream: its connections and its health. The most recently used idle connection is used first, so that
 * surplus ones stay idle until they are closed. A removed target finishes the requests that it has.
 */
import { type Address, nameOfAddress } from '../config/address.ts'
import type { UpstreamConfig } from '../config/gateway_file.ts'
import { lacksFiles } from '../io/files.ts'
import type { Candidate } from './balance.ts'
import { Health } from './health.ts'
import { checkHealth } from './health_check.ts'
import { type ConnectionOwner, UpstreamConnection, type UpstreamShared } from './upstream_connection.ts'

/** The least time between two warnings about one target. */
const WARN_MS = 1000

/** The upstream of a target. */
export interface TargetOwner {
  readonly name: string
  readonly config: UpstreamConfig
  readonly shared: UpstreamShared
  /** Connections that serve a request. */
  activeConnections: number
  /** Whether another target is not ejected. */
  hasOther(target: Target): boolean
  /** The health of a target has changed. */
  onHealth(): void
  /** A target accepts connections. */
  onReachable(): void
  /** A connection that served a request is closed. */
  onRoom(): void
  /** A connection has become idle. */
  onIdle(): void
  /** A connection has become a tunnel, and a tunnel is closed. */
  onTunnel(): void
  onTunnelClosed(): void
}

export class Target implements Candidate, ConnectionOwner {
  readonly name: string
  readonly shared: UpstreamShared
  readonly health: Health
  /** Requests that have one of its connections. */
  pending = 0
  readonly #idle: UpstreamConnection[] = []
  readonly #all = new Set<UpstreamConnection>()
  #isRemoved = false
  #warnedMs = -Infinity
  #isChecking = false
  #nextCheckMs: number

  constructor(
    readonly upstream: TargetOwner,
    readonly address: Address,
  ) {
    this.name = nameOfAddress(address)
    this.shared = upstream.shared
    this.health = new Health(upstream.config.health)
    this.#nextCheckMs = this.shared.context.clock.nowMs + (upstream.config.health?.intervalMs ?? 0)
  }

  get weight(): number {
    return this.health.weight
  }

  get idleConnections(): number {
    return this.#idle.length
  }

  /** A connection for a request: an idle one, or a new one that queues writes until it is open. */
  connect(forceNew: boolean): UpstreamConnection {
    const idle = forceNew ? undefined : this.#idle.pop()
    const connection = idle ?? new UpstreamConnection(this)
    this.pending++
    this.upstream.activeConnections++
    if (idle === undefined) {
      this.#all.add(connection)
      connection.connect()
    }
    return connection
  }

  onOpen(): void {
    this.upstream.onReachable()
  }

  onHandshakeFailed(code: string): void {
    const { clock, log } = this.shared.context
    if (clock.nowMs < this.#warnedMs + WARN_MS) return
    this.#warnedMs = clock.nowMs
    log.warn(
      { upstream: this.upstream.name, target: this.name, code },
      `TLS with target ${this.upstream.name}/${this.name} failed: ${code}`,
    )
  }

  onTunnel(): void {
    this.upstream.onTunnel()
  }

  release(connection: UpstreamConnection): void {
    this.pending--
    this.#idle.push(connection)
    if (this.#isRemoved) connection.close()
    this.upstream.onIdle()
  }

  remove(connection: UpstreamConnection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) return void this.#idle.splice(at, 1)
    this.pending--
    if (connection.isTunnel) this.upstream.onTunnelClosed()
    else this.upstream.onRoom()
  }

  succeeded(): void {
    this.health.succeeded()
  }

  failed(): void {
    const { nowMs } = this.shared.context.clock
    this.#updateHealth(() => this.health.failed(nowMs, this.upstream.hasOther(this)))
  }

  /** Discovery no longer finds it. */
  retire(): void {
    this.#isRemoved = true
    for (const connection of this.#idle.slice()) connection.close()
  }

  /** Ends connections past their deadline, advances the health and starts a check when it is due. */
  sweep(nowMs: number): void {
    for (const connection of this.#all) if (nowMs > connection.deadlineMs) connection.onDeadline()
    this.#updateHealth(() => this.health.advance(nowMs))
    if (nowMs >= this.#nextCheckMs && !this.#isRemoved) void this.#check()
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }

  async #check(): Promise<void> {
    const { health } = this.upstream.config
    if (health === undefined || this.#isChecking) return
    const { clock } = this.shared.context
    this.#isChecking = true
    const hasPassed = await checkHealth(this.address, health, this.shared.tls)
    this.#isChecking = false
    this.#nextCheckMs = clock.nowMs + health.intervalMs
    // A check that fails because the gateway lacks files says nothing about the target.
    if (this.#isRemoved || (!hasPassed && lacksFiles())) return
    this.#updateHealth(() => this.health.checked(hasPassed, clock.nowMs, this.upstream.hasOther(this)))
    if (!hasPassed && this.health.state === 'ejected')
      for (const connection of this.#all) connection.onTargetDown()
  }

  /** Logs a change of state and tells the upstream. */
  #updateHealth(change: () => void): void {
    const { health, upstream, name } = this
    const before = health.state
    change()
    const { state } = health
    if (state === before) return
    this.shared.context.log.info(
      { upstream: upstream.name, target: name, state },
      `target ${upstream.name}/${name}: ${state}`,
    )
    upstream.onHealth()
  }
}
