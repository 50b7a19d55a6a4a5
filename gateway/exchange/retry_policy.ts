/**
 * Decides whether a request without a response is sent again. A request that is not idempotent is never sent twice: it
 * is sent again only if no byte of it was sent. A kept connection that the target had closed is no failure. How many retries an upstream gets is in upstream/retry_budget.ts.
 */
import type { RetryRule } from '../routing/route.ts'
import type { Failure, RetryReason } from '../upstream/failure_responses.ts'

/** A failed attempt. */
export interface Attempt {
  isIdempotent: boolean
  /** Whether a byte of the request was sent. */
  hasSent: boolean
  /** Whether a byte of a response was received. */
  bytesReceived: boolean
  /** Whether all bytes of the request are still in memory. */
  isReplayable: boolean
  /** Whether the connection had served a request before. */
  isReused: boolean
  /** Whether an attempt failed because a kept connection was closed. */
  wasStale: boolean
  retries: number
  /** Whether the target fails its checks, so that it is known to be at fault. */
  isTargetDown: boolean
}

/** The upstream, as far as the decision needs it. */
export interface RetryContext {
  hasOtherTarget(): boolean
  /** @returns false if the budget is exhausted */
  spendRetry(): boolean
}

/** @returns why the request is sent again; `undefined` if it is not */
export function retryReason(
  failure: Failure,
  attempt: Attempt,
  rule: RetryRule,
  context: RetryContext,
): RetryReason | undefined {
  const { isReused, hasSent } = attempt
  if (attempt.bytesReceived || !attempt.isReplayable || failure === 'malformed' || failure === 'no_files')
    return undefined
  if (!hasSent && failure === 'gone' && isReused) return 'stale'
  if (rule.most === 0 || !(rule.causes.has(failure) || attempt.isTargetDown)) return undefined
  if (!hasSent) return failure as RetryReason
  if (!attempt.isIdempotent) return undefined
  if (failure === 'gone' && isReused && !attempt.wasStale) return 'stale'
  if (attempt.retries >= rule.most) return undefined
  // After a timeout the same target is not tried again.
  if (failure === 'answer_timeout' && !context.hasOtherTarget()) return undefined
  return context.spendRetry() ? (failure as RetryReason) : undefined
}
