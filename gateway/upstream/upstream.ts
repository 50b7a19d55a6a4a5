/**
 * An upstream: a name and its current targets. It gives each request a connection to one of them. A request waits here
 * while all connections are in use or no target is ready. exchange/upstream_request.ts decides on retries.
 */
import { hostOfAddress, parseAddress } from '../config/address.ts'
import type { UpstreamConfig } from '../config/gateway_file.ts'
import { BlockCache } from '../http1/block_cache.ts'
import type { ResponseHead } from '../http1/response_head.ts'
import type { Context } from '../io/context.ts'
import { pick } from './balance.ts'
import { type Discovery, discoveryOf, type Found } from './discovery.ts'
import type { Failure } from './failure_responses.ts'
import { HEALTH_STATES, type HealthState } from './health.ts'
import type { UpstreamMetrics } from './metrics.ts'
import { WaitingQueue } from './queue.ts'
import { RetryBudget } from './retry_budget.ts'
import { Target, type TargetOwner } from './target.ts'
import type { ConnectionOwner, UpstreamConnection, UpstreamShared } from './upstream_connection.ts'

/** Response heads that are cached for each upstream. */
const BLOCK_CACHE_SLOTS = 128
/** How often targets are looked up, also in a watched folder. */
const DISCOVERY_MS = 1000

/** A request that needs a connection. exchange/upstream_request.ts implements it. */
export interface PoolRequest {
  readonly isIdempotent: boolean
  /** Whether it needs a new connection: the target had closed a kept one. */
  readonly forceNewConnection: boolean
  /** Targets that failed it. */
  readonly tried: ReadonlySet<ConnectionOwner> | undefined
  /** Whether the last target received a part of it; then a tried target may be tried again. */
  readonly partiallySent: boolean
  /** Whether it has been in the queue before. */
  readonly hasWaited: boolean
  /** @param ms longest time in the queue. @returns the deadline, which a later wait does not extend. */
  startWaiting(ms: number): number
  /** The connection expects a call of its `serve` at once. */
  onConnection(connection: UpstreamConnection): void
  onNoConnection(failure: Failure): void
}

export class Upstream implements TargetOwner {
  readonly retryBudget = new RetryBudget()
  readonly name: string
  readonly shared: UpstreamShared
  activeConnections = 0
  tunnels = 0
  /** For requests without a `Host`. */
  readonly hostLine: Buffer
  readonly #discoveries: Discovery[]
  readonly #found: Found[] = []
  readonly #targets = new Map<string, Target>()
  /** Targets that are not ejected. */
  #available: Target[] = []
  /** Removed targets that still serve requests. */
  readonly #leaving = new Set<Target>()
  readonly #waiting: WaitingQueue<PoolRequest>
  /** Whether the last request found no target that accepts connections. */
  #isDown = false
  #isDiscovering = false
  #hasDiscovered = false
  #nextDiscoveryMs = 0

  constructor(
    readonly config: UpstreamConfig,
    context: Context,
    metrics: UpstreamMetrics,
  ) {
    this.name = config.name
    this.shared = {
      context,
      metrics,
      tls: config.tls,
      blockCache: new BlockCache<ResponseHead>(BLOCK_CACHE_SLOTS),
    }
    this.hostLine = Buffer.from(`Host: ${hostOfAddress(parseAddress(config.targets[0]!))}\r\n`)
    this.#waiting = new WaitingQueue(config.queue)
    this.#discoveries = config.targets.map((text, i) =>
      discoveryOf(text, (found) => {
        this.#found[i] = found
        this.#update()
      }),
    )
  }

  get idleConnections(): number {
    return this.#targets.values().reduce((sum, target) => sum + target.idleConnections, 0)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** The number of targets in each state. */
  get states(): Record<HealthState, number> {
    const states = Object.fromEntries(HEALTH_STATES.map((state) => [state, 0])) as Record<HealthState, number>
    for (const { health } of this.#targets.values()) states[health.state]++
    return states
  }

  /** Looks up the targets. Resolves when all lookups have finished. */
  async discover(): Promise<void> {
    this.#isDiscovering = true
    await Promise.all(this.#discoveries.map((discovery) => discovery.look()))
    this.#isDiscovering = false
    this.#hasDiscovered = true
    this.#nextDiscoveryMs = this.shared.context.clock.nowMs + DISCOVERY_MS
  }

  /** Gives the request a connection now or later, or tells it why it gets none. */
  serve(request: PoolRequest): void {
    // First in, first out; but a request that is not idempotent is never queued while no target is ready.
    const isBehind = this.#waiting.size > 0 && (!this.#isDown || request.isIdempotent)
    if (isBehind || this.activeConnections >= this.config.maxConnections) this.#wait(request)
    else if (!this.#give(request)) this.#waitForTarget(request)
  }

  /** The request no longer needs a connection. */
  forget(request: PoolRequest): void {
    this.#waiting.delete(request)
  }

  /** Whether another tunnel may open. Tunnels do not count as connections in use. */
  get hasTunnelRoom(): boolean {
    return this.tunnels < this.config.maxTunnels
  }

  hasOther(target: ConnectionOwner): boolean {
    return this.#available.some((other) => other !== target)
  }

  onHealth(): void {
    const targets = [...this.#targets.values()]
    this.#available = targets.filter(({ health }) => health.state !== 'ejected')
    this.#wake()
  }

  onReachable(): void {
    if (!this.#isDown) return
    this.#isDown = false
    this.#wake()
  }

  onRoom(): void {
    this.activeConnections--
    this.#wake()
  }

  onTunnel(): void {
    this.tunnels++
    this.onRoom()
  }

  onTunnelClosed(): void {
    this.tunnels--
  }

  /** An idle connection goes to the first in the queue even while new connections fail. */
  onIdle(): void {
    this.onRoom()
    if (this.#isDown) queueMicrotask(() => this.#tryFirst())
  }

  /** Enforces deadlines, looks up targets when due, retries a target while none is ready, and sets the gauges. */
  sweep(nowMs: number): void {
    for (const target of this.#targets.values()) target.sweep(nowMs)
    for (const target of this.#leaving) {
      target.sweep(nowMs)
      if (target.pending === 0) this.#leaving.delete(target)
    }
    if (nowMs >= this.#nextDiscoveryMs && !this.#isDiscovering) void this.discover()
    const failure = this.#isDown ? 'not_ready' : 'queue_timeout'
    for (const request of this.#waiting.expire(nowMs)) request.onNoConnection(failure)
    this.#tryFirst()
    this.shared.metrics.observe(this)
  }

  close(): void {
    for (const discovery of this.#discoveries) discovery.close()
    for (const target of [...this.#targets.values(), ...this.#leaving]) target.close()
  }

  #update(): void {
    const found = new Map(
      this.#found.flatMap((each, i) => [...each].map(([key, address]) => [`${i} ${key}`, address])),
    )
    for (const [key, target] of this.#targets) {
      if (found.has(key)) continue
      this.#targets.delete(key)
      target.retire()
      if (target.pending > 0) this.#leaving.add(target)
    }
    for (const [key, address] of found) {
      if (this.#targets.has(key)) continue
      const target = new Target(this, address)
      this.#targets.set(key, target)
      this.#isDown = false
      if (this.#hasDiscovered) target.health.startSlowly(this.shared.context.clock.nowMs)
    }
    this.onHealth()
  }

  /** @returns whether there was a target that the request may try. */
  #give(request: PoolRequest): boolean {
    const target = this.#pick(request)
    if (target === undefined) return false
    request.onConnection(target.connect(request.forceNewConnection))
    return true
  }

  /** Prefers available targets, then untried ones. An ejected target is better than none. */
  #pick({ tried, partiallySent }: PoolRequest): Target | undefined {
    if (tried === undefined && this.#available.length > 0) return pick(this.#available)
    const isNew = (target: Target) => !tried?.has(target)
    const all = [...this.#targets.values()]
    return (
      pick(this.#available.filter(isNew)) ??
      pick(all.filter(isNew)) ??
      (partiallySent ? pick(all) : undefined)
    )
  }

  #waitForTarget(request: PoolRequest): void {
    this.#isDown = true
    if (request.isIdempotent) this.#wait(request)
    else request.onNoConnection('not_ready')
  }

  #wait(request: PoolRequest): void {
    // A request that comes back from a target that was not ready is not overtaken by those that came later.
    const { hasWaited } = request
    const deadlineMs = request.startWaiting(this.config.queueMs)
    const isAdded = hasWaited
      ? this.#waiting.addFirst(request, deadlineMs)
      : this.#waiting.add(request, deadlineMs)
    if (!isAdded) request.onNoConnection('queue_full')
  }

  /** While no target is ready the first request tries one; if it gets a connection, the others follow. */
  #tryFirst(): void {
    const first = this.#isDown ? this.#waiting.shift() : undefined
    if (first !== undefined && !this.#give(first)) this.#wait(first)
  }

  /** Serves waiting requests, in a microtask: the caller may still be changing the state of its connection. */
  #wake(): void {
    if (this.#waiting.size === 0) return
    queueMicrotask(() => {
      while (!this.#isDown && this.#waiting.size > 0 && this.activeConnections < this.config.maxConnections) {
        const request = this.#waiting.shift()!
        if (!this.#give(request)) this.#waitForTarget(request)
      }
    })
  }
}
