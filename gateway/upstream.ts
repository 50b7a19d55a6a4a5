/**
 * An upstream: a name and its targets, as many as there are just now. It gives each request a connection to one of
 * them; whoever finds no room, or nobody who is ready, waits here. What is sent again, and why, is sending.ts's business.
 */
import { hostOfAddress, parseAddress } from './address.ts'
import type { AnswerHead } from './answer_head.ts'
import { pick } from './balance.ts'
import type { UpstreamConfig } from './file.ts'
import { HEALTH_STATES, type HealthState } from './health.ts'
import type { Shared } from './limits.ts'
import { Memo } from './memo.ts'
import type { UpstreamMetrics } from './metrics.ts'
import { WaitingQueue } from './queue.ts'
import { RetryBudget } from './retry_budget.ts'
import type { Sending } from './sending.ts'
import { type Found, type Source, sourceOf } from './sources.ts'
import { Target } from './target.ts'

/** How many heads of answers are kept. */
const MEMO_SLOTS = 128
/** How often sources are looked at, also those that tell by themselves. */
const LOOK_MS = 1000

export class Upstream {
  readonly memo = new Memo<AnswerHead>(MEMO_SLOTS)
  readonly budget = new RetryBudget()
  readonly name: string
  /** Connections that have a request. */
  activeConnections = 0
  /** For requests that came without a `Host`. */
  readonly hostLine: Buffer
  readonly #sources: Source[]
  readonly #found: Found[] = []
  readonly #targets = new Map<string, Target>()
  /** Those that are not ejected. */
  #available: Target[] = []
  /** Targets that vanished while they had something to do. */
  readonly #leaving = new Set<Target>()
  readonly #waiting: WaitingQueue<Sending>
  /** Whether whoever asked last found no target that takes connections. */
  #isDown = false
  #isWaking = false
  #isLooking = false
  #hasLooked = false
  #nextLookMs = 0

  constructor(
    readonly config: UpstreamConfig,
    readonly shared: Shared,
    readonly metrics: UpstreamMetrics,
  ) {
    this.name = config.name
    this.hostLine = Buffer.from(`Host: ${hostOfAddress(parseAddress(config.targets[0]!))}\r\n`)
    this.#waiting = new WaitingQueue(config.queue)
    this.#sources = config.targets.map((text, i) =>
      sourceOf(text, (found) => {
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

  /** How many targets are in each state. */
  get states(): Record<HealthState, number> {
    const states = Object.fromEntries(HEALTH_STATES.map((state) => [state, 0])) as Record<HealthState, number>
    for (const { health } of this.#targets.values()) states[health.state]++
    return states
  }

  /** Looks for targets. Resolves when all that can be known at once is. */
  async look(): Promise<void> {
    this.#isLooking = true
    await Promise.all(this.#sources.map((source) => source.look()))
    this.#isLooking = false
    this.#hasLooked = true
    this.#nextLookMs = this.shared.clock.nowMs + LOOK_MS
  }

  /** Gives the request a connection, now or when there is one, or tells it why it gets none. */
  serve(sending: Sending): void {
    // Nobody overtakes those who wait, but who may not wait for a target that is ready.
    const isBehind = this.#waiting.size > 0 && (!this.#isDown || sending.isIdempotent)
    if (isBehind || this.activeConnections >= this.config.maxConnections) this.#wait(sending)
    else if (!this.#give(sending)) this.#waitForTarget(sending)
  }

  /** The request needs no connection any more. */
  forget(sending: Sending): void {
    this.#waiting.delete(sending)
  }

  /** Whether there is a target besides this one that is not ejected. */
  hasOther(target: Target): boolean {
    return this.#available.some((other) => other !== target)
  }

  /** The health of a target has changed. */
  onHealth(): void {
    const targets = [...this.#targets.values()]
    this.#available = targets.filter(({ health }) => health.state !== 'ejected')
    this.#wake()
  }

  /** A target takes connections. */
  onReachable(): void {
    if (!this.#isDown) return
    this.#isDown = false
    this.#wake()
  }

  /** A connection is free, or gone. */
  onRoom(): void {
    this.activeConnections--
    if (!this.#isDown) this.#wake()
  }

  /** A connection has answered: also where no new one can be had, whoever waits first may have it. */
  onIdle(): void {
    this.onRoom()
    if (this.#isDown) queueMicrotask(() => this.#goAhead())
  }

  /** Ends what took too long, and looks whether what was not ready is now. */
  sweep(nowMs: number): void {
    for (const target of this.#targets.values()) target.sweep(nowMs)
    for (const target of this.#leaving) {
      target.sweep(nowMs)
      if (target.pending === 0) this.#leaving.delete(target)
    }
    if (nowMs >= this.#nextLookMs && !this.#isLooking) void this.look()
    const why = this.#isDown ? 'not_ready' : 'queue_timeout'
    for (const sending of this.#waiting.expire(nowMs)) sending.onNoConnection(why)
    this.#goAhead()
  }

  close(): void {
    for (const source of this.#sources) source.close()
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
      if (this.#hasLooked) target.health.startSlowly(this.shared.clock.nowMs)
    }
    this.onHealth()
  }

  /** @returns whether there was a target that the request may try. */
  #give(sending: Sending): boolean {
    const target = this.#pick(sending)
    if (target === undefined) return false
    sending.onConnection(target.connectionFor(sending.exchange, sending.avoidsPool))
    return true
  }

  /** One that is ejected is still better than none. */
  #pick({ tried, wasTaken }: Sending): Target | undefined {
    if (tried === undefined && this.#available.length > 0) return pick(this.#available)
    const isNew = (target: Target) => !tried?.has(target)
    const all = [...this.#targets.values()]
    return (
      pick(this.#available.filter(isNew)) ?? pick(all.filter(isNew)) ?? (wasTaken ? pick(all) : undefined)
    )
  }

  #waitForTarget(sending: Sending): void {
    this.#isDown = true
    if (sending.isIdempotent) this.#wait(sending)
    else sending.onNoConnection('not_ready')
  }

  #wait(sending: Sending): void {
    if (!this.#waiting.add(sending, sending.startWaiting(this.config.queueMs)))
      sending.onNoConnection('queue_full')
  }

  /** Where no target is ready one request looks whether one is: if it gets a connection, the others follow. */
  #goAhead(): void {
    const first = this.#isDown ? this.#waiting.shift() : undefined
    if (first !== undefined && !this.#give(first)) this.#wait(first)
  }

  /** Not at once: whoever made room is not done yet. */
  #wake(): void {
    if (this.#isWaking || this.#waiting.size === 0) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      while (!this.#isDown && this.#waiting.size > 0 && this.activeConnections < this.config.maxConnections) {
        const sending = this.#waiting.shift()!
        if (!this.#give(sending)) this.#waitForTarget(sending)
      }
    })
  }
}
