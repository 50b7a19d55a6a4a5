/**
 * One place that serves an upstream: its connections, and how it is. A connection that is idle is used again by the
 * next request, the last one first, so that those too many grow old and are closed. A target that has vanished
 * finishes what it has.
 */
import { type Address, nameOfAddress } from './address.ts'
import type { Candidate } from './balance.ts'
import type { Exchange } from './exchange.ts'
import { Health } from './health.ts'
import { probe } from './probe.ts'
import type { Upstream } from './upstream.ts'
import { UpstreamConnection } from './upstream_connection.ts'

export class Target implements Candidate {
  readonly health: Health
  /** Exchanges that have one of its connections. */
  pending = 0
  readonly #idle: UpstreamConnection[] = []
  readonly #all = new Set<UpstreamConnection>()
  #isGone = false
  #isChecking = false
  #nextCheckMs: number

  constructor(
    readonly upstream: Upstream,
    readonly address: Address,
  ) {
    this.health = new Health(upstream.config.health)
    this.#nextCheckMs = upstream.shared.clock.nowMs + (upstream.config.health?.intervalMs ?? 0)
  }

  get weight(): number {
    return this.health.weight
  }

  get idleConnections(): number {
    return this.#idle.length
  }

  /** A connection for this exchange. Where none was idle it is not open yet, and takes what is written all the same. */
  connectionFor(exchange: Exchange, isFresh: boolean): UpstreamConnection {
    const idle = isFresh ? undefined : this.#idle.pop()
    const connection = idle ?? new UpstreamConnection(this)
    this.pending++
    this.upstream.activeConnections++
    connection.serve(exchange)
    if (idle === undefined) {
      this.#all.add(connection)
      connection.connect()
    }
    return connection
  }

  /** It takes connections. */
  onOpen(): void {
    this.upstream.onReachable()
  }

  /** Takes back a connection that has nothing left to say. */
  release(connection: UpstreamConnection): void {
    this.pending--
    this.#idle.push(connection)
    if (this.#isGone) connection.close()
    this.upstream.onIdle()
  }

  /** Forgets a connection that is closed. */
  remove(connection: UpstreamConnection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) return void this.#idle.splice(at, 1)
    this.pending--
    this.upstream.onRoom()
  }

  /** An exchange that had a connection here got no answer. */
  failed(): void {
    const { upstream } = this
    this.#follow(() => this.health.failed(upstream.shared.clock.nowMs, upstream.hasOther(this)))
  }

  /** It is no target any more. */
  retire(): void {
    this.#isGone = true
    for (const connection of this.#idle.slice()) connection.close()
  }

  /** Ends what took too long, lets its health go on, and checks it when it is time. */
  sweep(nowMs: number): void {
    for (const connection of this.#all) if (nowMs > connection.deadlineMs) connection.onDeadline()
    this.#follow(() => this.health.turn(nowMs))
    if (nowMs >= this.#nextCheckMs && !this.#isGone) void this.#check()
  }

  close(): void {
    this.#isGone = true
    for (const connection of this.#all) connection.close()
  }

  async #check(): Promise<void> {
    const { health } = this.upstream.config
    if (health === undefined || this.#isChecking) return
    const { clock } = this.upstream.shared
    this.#isChecking = true
    const isGood = await probe(this.address, health)
    this.#isChecking = false
    this.#nextCheckMs = clock.nowMs + health.intervalMs
    if (this.#isGone) return
    this.#follow(() => this.health.checked(isGood, clock.nowMs, this.upstream.hasOther(this)))
    if (!isGood && this.health.state === 'ejected') for (const connection of this.#all) connection.leave()
  }

  /** Says what has become of its health. */
  #follow(change: () => void): void {
    const { health, upstream } = this
    const before = health.state
    change()
    if (health.state === before) return
    const target = nameOfAddress(this.address)
    upstream.shared.log.info(
      { upstream: upstream.name, target, state: health.state },
      'a target is in another state',
    )
    upstream.onHealth()
  }
}
