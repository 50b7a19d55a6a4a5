/**
 * A request on its way to an upstream: its connection, the copy that a retry needs, and its wait for a connection.
 * retry_policy.ts decides whether it is sent again; exchange.ts handles the response.
 */
import type { Sink } from '../io/write_queue.ts'
import type { RetryRule } from '../routing/route.ts'
import { type Failure, NO_RESPONSE, type RetryReason } from '../upstream/failure_responses.ts'
import type { ResponseListener } from '../upstream/response_listener.ts'
import type { PoolRequest, Upstream } from '../upstream/upstream.ts'
import type { ConnectionOwner, UpstreamConnection } from '../upstream/upstream_connection.ts'
import { ReplayBuffer } from './replay_buffer.ts'
import { retryReason } from './retry_policy.ts'

const MAX_POOLED = 1024

/** Receives the response, or the reason why there is none. */
export interface UpstreamRequestListener extends ResponseListener {
  fail(failure: Failure): void
}

export class UpstreamRequest implements Sink, PoolRequest {
  connection: UpstreamConnection | undefined
  /** The last target that it was given to. */
  target: ConnectionOwner | undefined
  isIdempotent = false
  tried: Set<ConnectionOwner> | undefined
  forceNewConnection = false
  partiallySent = false
  #listener: UpstreamRequestListener | undefined
  #upstream: Upstream
  #rule: RetryRule
  readonly #replay = new ReplayBuffer()
  #retries = 0
  /** When the request was given to the current target. */
  #startedMs = 0
  /** Whether `begin` has returned, so that the client may have been paused. */
  #hasBegun = false
  /** Why the last attempt failed. */
  #failure: Failure | undefined
  #waitingSinceMs: number | undefined
  #deadlineMs: number | undefined

  static readonly #pool: UpstreamRequest[] = []

  private constructor(upstream: Upstream, rule: RetryRule) {
    this.#upstream = upstream
    this.#rule = rule
  }

  /** A request from the pool: each has a buffer that is worth keeping. To be followed by `end`. */
  static take(
    listener: UpstreamRequestListener,
    upstream: Upstream,
    isIdempotent: boolean,
    rule: RetryRule,
    startedMs: number,
  ): UpstreamRequest {
    const request = UpstreamRequest.#pool.pop() ?? new UpstreamRequest(upstream, rule)
    request.#listener = listener
    request.#upstream = upstream
    request.#rule = rule
    request.#startedMs = startedMs
    request.isIdempotent = isIdempotent
    return request
  }

  /** Seconds since the request was given to the current target. */
  get seconds(): number {
    return (performance.now() - this.#startedMs) / 1000
  }

  /** Whether the sender should stop. */
  get isBlocked(): boolean {
    return this.connection?.out.isBlocked ?? true
  }

  /** Asks for a connection. The head must be written before. */
  begin(): void {
    this.#upstream.retryBudget.earn()
    this.#upstream.serve(this)
    // `serve` may have failed and returned this object to the pool.
    this.#hasBegun = this.connection !== undefined || this.#waitingSinceMs !== undefined
  }

  write(bytes: Buffer, from: number, to: number, isShared?: boolean): void {
    this.#replay.write(bytes, from, to, isShared)
  }

  onConnection(connection: UpstreamConnection): void {
    this.connection = connection
    this.target = connection.target
    this.#upstream.shared.metrics.attempts.inc()
    this.#endWaiting()
    connection.serve(this.#listener)
    this.#replay.sendTo(connection.out)
    connection.touch()
    if (this.#hasBegun && !connection.out.isBlocked) this.#listener?.onUpstreamDrained()
  }

  onNoConnection(failure: Failure): void {
    this.#endWaiting()
    this.#listener?.fail(this.#failure ?? failure)
  }

  get hasWaited(): boolean {
    return this.#deadlineMs !== undefined
  }

  startWaiting(ms: number): number {
    this.tried = undefined
    this.partiallySent = false
    this.#failure = undefined
    this.#waitingSinceMs ??= performance.now()
    return (this.#deadlineMs ??= this.#upstream.shared.context.clock.nowMs + ms)
  }

  /** The response has begun: the request is not sent again. */
  onResponse(status: number): void {
    this.#replay.forget()
    this.#upstream.shared.metrics.attempted(status, this.seconds)
  }

  /** The connection closed before the response. @returns whether the request is sent again. */
  retry(failure: Failure): boolean {
    const { target, isReused } = this.connection!
    const reason = this.#retryReason(failure)
    // A target may close a kept connection at any time: that is not a failure.
    const isStale = reason === 'stale' || (isReused && failure === 'gone')
    // Nor is it the target's fault if the gateway lacks files.
    if (!isStale && failure !== 'no_files') target.failed()
    this.#upstream.shared.metrics.attempted(NO_RESPONSE, this.seconds)
    if (reason !== undefined) this.#sendAgain(reason, failure)
    return reason !== undefined
  }

  /** The target fails its checks. @returns whether the request is sent to another target. */
  moveToOtherTarget(): boolean {
    const reason = this.#retryReason('answer_timeout', true)
    if (reason === undefined) return false
    this.#upstream.shared.metrics.attempted(NO_RESPONSE, this.seconds)
    this.#sendAgain(reason, 'answer_timeout')
    return true
  }

  /** The exchange is over: leaves the queue and returns to the pool. It must not be used afterwards. */
  end(): void {
    this.#endWaiting()
    this.#upstream.forget(this)
    this.#replay.clear()
    this.#listener = undefined
    this.connection = undefined
    this.target = undefined
    this.tried = undefined
    this.partiallySent = false
    this.forceNewConnection = false
    this.#hasBegun = false
    this.#retries = 0
    this.#failure = undefined
    this.#deadlineMs = undefined
    if (UpstreamRequest.#pool.length < MAX_POOLED) UpstreamRequest.#pool.push(this)
  }

  #retryReason(failure: Failure, isTargetDown = false): RetryReason | undefined {
    const { target, bytesReceived, isReused, out } = this.connection!
    const upstream = this.#upstream
    return retryReason(
      failure,
      {
        isIdempotent: this.isIdempotent,
        hasSent: out.hasSent,
        bytesReceived,
        isReplayable: this.#replay.isComplete,
        isReused,
        wasStale: this.forceNewConnection,
        retries: this.#retries,
        isTargetDown,
      },
      this.#rule,
      {
        hasOtherTarget: () => upstream.hasOther(target),
        spendRetry: () => {
          if (!upstream.retryBudget.spend(upstream.shared.context.clock.nowMs)) return false
          this.#retries++
          return true
        },
      },
    )
  }

  #sendAgain(reason: RetryReason, failure: Failure): void {
    const { target, out } = this.connection!
    this.connection = undefined
    this.partiallySent = out.hasSent
    this.#replay.detach()
    if (reason === 'stale') this.forceNewConnection = true
    else (this.tried ??= new Set()).add(target)
    this.#upstream.shared.metrics.retries[reason].inc()
    this.#failure = failure
    this.#startedMs = performance.now()
    this.#upstream.serve(this)
  }

  #endWaiting(): void {
    if (this.#waitingSinceMs === undefined) return
    this.#startedMs = performance.now()
    this.#upstream.shared.metrics.queueSeconds.observe((this.#startedMs - this.#waitingSinceMs) / 1000)
    this.#waitingSinceMs = undefined
  }
}
