/**
 * How a request gets to its upstream: on which connection, what is kept of it, and whether it is sent once more when it
 * got no answer. Whatever is not idempotent is never sent twice: it is sent again only where nothing of it was.
 */
import type { Exchange } from './exchange.ts'
import { KeptRequest } from './kept_request.ts'
import { NO_ANSWER } from './metrics.ts'
import type { Sink } from './outbox.ts'
import type { Failure, RetryReason } from './refusals.ts'
import type { Target } from './target.ts'
import type { Upstream } from './upstream.ts'
import type { UpstreamConnection } from './upstream_connection.ts'

/** Retries that cost: beyond these the fault is hardly the target's. */
const MOST_RETRIES = 2
const MOST_SPARE = 1024

export class Sending implements Sink {
  connection: UpstreamConnection | undefined
  isIdempotent = false
  /** Targets that could not be connected to, or gave no answer. */
  tried: Set<Target> | undefined
  /** Whether a connection that was kept for it turned out to be closed. */
  avoidsPool = false
  /** Whether the last target took some of it: then it may be tried again. */
  wasTaken = false
  exchange!: Exchange
  #upstream!: Upstream
  readonly #kept = new KeptRequest()
  #retries = 0
  #isUnderWay = false
  /** Why the last connection gave no answer. */
  #failure: Failure | undefined
  #begunMs = 0
  #waitsSinceMs: number | undefined
  #deadlineMs: number | undefined

  static readonly #spare: Sending[] = []

  /** Those that were used are used again: each has a buffer of its own. */
  static of(exchange: Exchange, isIdempotent: boolean, nowMs: number): Sending {
    const sending = Sending.#spare.pop() ?? new Sending()
    sending.exchange = exchange
    sending.isIdempotent = isIdempotent
    sending.#upstream = exchange.upstream
    sending.#begunMs = nowMs
    return sending
  }

  /** Since it was given to the target. */
  get seconds(): number {
    return (performance.now() - this.#begunMs) / 1000
  }

  /** Whether whoever writes should stop. */
  get isBlocked(): boolean {
    return this.connection?.out.isBlocked ?? true
  }

  begin(): void {
    this.#upstream.budget.earn()
    this.#upstream.serve(this)
    // Where it is over already, it may be somebody else's.
    this.#isUnderWay = this.connection !== undefined || this.#waitsSinceMs !== undefined
  }

  write(bytes: Buffer, from: number, to: number, isShared?: boolean): void {
    this.#kept.write(bytes, from, to, isShared)
  }

  onConnection(connection: UpstreamConnection): void {
    const { metrics } = this.#upstream
    this.connection = connection
    metrics.attempts.inc()
    if (this.#waitsSinceMs !== undefined) this.#endWaiting()
    this.#kept.sendTo(connection.out)
    connection.touch()
    if (this.#isUnderWay && !connection.out.isBlocked) this.exchange.onUpstreamDrained()
  }

  onNoConnection(failure: Failure): void {
    this.#endWaiting()
    this.exchange.fail(this.#failure ?? failure)
  }

  /** @returns until when, in the clock's time: whoever waits again does not wait longer. */
  startWaiting(forMs: number): number {
    this.tried = undefined
    this.wasTaken = false
    this.#failure = undefined
    this.#waitsSinceMs ??= performance.now()
    return (this.#deadlineMs ??= this.#upstream.shared.clock.nowMs + forMs)
  }

  /** The answer has begun: it is this one, or none. */
  onAnswer(): void {
    this.#kept.forget()
  }

  /** The connection is gone and there is no answer. @returns whether the request is sent once more. */
  resend(failure: Failure): boolean {
    const { target, isReused } = this.connection!
    const reason = this.#retryReason(failure)
    if (reason !== 'stale' && (!isReused || failure !== 'gone')) target.failed()
    this.#upstream.metrics.durations[NO_ANSWER]!.observe(this.seconds)
    if (reason !== undefined) this.#sendAgain(reason, failure)
    return reason !== undefined
  }

  /** The target does not answer its checks either. @returns whether the request is sent to another one. */
  leave(): boolean {
    const reason = this.#retryReason('answer_timeout')
    if (reason === undefined) return false
    this.#upstream.metrics.durations[NO_ANSWER]!.observe(this.seconds)
    this.#sendAgain(reason, 'answer_timeout')
    return true
  }

  /** Nothing of it is needed any more, and it keeps nothing alive. */
  end(): void {
    if (this.#waitsSinceMs !== undefined) this.#endWaiting()
    this.#upstream.forget(this)
    this.#kept.clear()
    this.exchange = undefined!
    this.connection = undefined
    this.tried = undefined
    this.wasTaken = false
    this.avoidsPool = false
    this.#isUnderWay = false
    this.#retries = 0
    this.#failure = undefined
    this.#deadlineMs = undefined
    if (Sending.#spare.length < MOST_SPARE) Sending.#spare.push(this)
  }

  #sendAgain(reason: RetryReason, failure: Failure): void {
    const { target, out } = this.connection!
    this.connection = undefined
    this.wasTaken = out.hasSent
    this.#kept.detach()
    if (reason === 'stale') this.avoidsPool = true
    else (this.tried ??= new Set()).add(target)
    this.#upstream.metrics.retries[reason].inc()
    this.#failure = failure
    this.#begunMs = performance.now()
    this.#upstream.serve(this)
  }

  #retryReason(failure: Failure): RetryReason | undefined {
    const { target, hasHeard, isReused, out } = this.connection!
    if (hasHeard || !this.#kept.isWhole || failure === 'malformed') return undefined
    if (!out.hasSent) return failure === 'gone' && isReused ? 'stale' : (failure as RetryReason)
    if (!this.isIdempotent) return undefined
    if (failure === 'gone' && isReused && !this.avoidsPool) return 'stale'
    if (this.#retries >= MOST_RETRIES) return undefined
    // Whoever has waited for so long does not wait for the same one again.
    if (failure === 'answer_timeout' && !this.#upstream.hasOther(target)) return undefined
    if (!this.#upstream.budget.spend(this.#upstream.shared.clock.nowMs)) return undefined
    this.#retries++
    return failure as RetryReason
  }

  #endWaiting(): void {
    if (this.#waitsSinceMs === undefined) return
    this.#begunMs = performance.now()
    this.#upstream.metrics.queueSeconds.observe((this.#begunMs - this.#waitsSinceMs) / 1000)
    this.#waitsSinceMs = undefined
  }
}
