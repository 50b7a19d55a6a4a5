/**
 * How many requests may be sent once more. Each request saves up a part of a retry, so that an upstream which fails
 * altogether gets little more than its traffic; a few for each second are free, or a quiet upstream would have none.
 */

/** Retries for each request. */
export const RETRY_SHARE = 0.2
export const FREE_RETRIES_PER_SECOND = 10
/** What can be saved up: what is in flight to a worker when it is killed fails all at once. */
export const MOST_SAVED = 1000

export class RetryBudget {
  #saved = FREE_RETRIES_PER_SECOND
  #lastMs = 0

  /** A request is sent for the first time. */
  earn(): void {
    if (this.#saved < MOST_SAVED) this.#saved += RETRY_SHARE
  }

  /** @returns whether there is a retry left; then it is spent. */
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
