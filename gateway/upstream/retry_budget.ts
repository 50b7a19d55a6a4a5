/**
 * Limits retries to a share of the requests, so that an upstream that fails altogether gets little more than its usual
 * traffic. A few retries each second are free: a quiet upstream would have none otherwise. Whether a request may be
 * retried at all is in exchange/retry_policy.ts.
 */

/** Retries earned by each request. */
export const RETRY_SHARE = 0.2
export const FREE_RETRIES_PER_SECOND = 10
/** Most retries that can be saved up: when a worker is killed, all its requests fail at once. */
export const MOST_SAVED = 1000

export class RetryBudget {
  #saved = FREE_RETRIES_PER_SECOND
  #lastMs = 0

  /** A request is sent for the first time: earns a share of a retry. */
  earn(): void {
    if (this.#saved < MOST_SAVED) this.#saved += RETRY_SHARE
  }

  /** Spends a retry. @returns false if none is left */
  spend(nowMs: number): boolean {
    if (this.#saved < FREE_RETRIES_PER_SECOND) {
      const earned = ((nowMs - this.#lastMs) / 1000) * FREE_RETRIES_PER_SECOND
      this.#saved = Math.min(FREE_RETRIES_PER_SECOND, this.#saved + earned)
    }
    this.#lastMs = nowMs
    if (this.#saved < 1) return false
    this.#saved--
    return true
  }
}
