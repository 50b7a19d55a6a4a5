/**
 * Since when each series of a page counts from 0: the `_created` lines of OpenMetrics. Prometheus adds a sample 0 at that time, so
 * that a rate sees the first value of a series, such as a burst of the first errors ever.
 */
import type { Family } from '../model/family.ts'

/** Seconds since the epoch. */
export type CreatedOf = (family: Family, labels: string) => number

/** The most label sets whose times are remembered. */
const DEFAULT_LIMIT = 50_000

/**
 * Remembers for each series the time of the last page without it. Series of the first page count since the start of the
 * process. A series keeps its time when it leaves the page and comes back: a later time would count its value again.
 */
export class CreationTimes {
  readonly #times = new Map<string, Map<string, number>>()
  readonly #start: number
  readonly #limit: number
  #size = 0
  #lastPage: number

  /**
   * @param start of the process, in seconds since the epoch
   * @param limit label sets above it count since the start, which is true of all of them. Without any time Prometheus would read
   *   the whole family again for each of its series, in search of one.
   */
  constructor(start: number, limit = DEFAULT_LIMIT) {
    this.#start = start
    this.#lastPage = start
    this.#limit = limit
  }

  /** The times of one page, which is made now. */
  page(now = Date.now() / 1000): CreatedOf {
    const lastPage = this.#lastPage
    this.#lastPage = now
    return ({ name }, labels) => {
      let times = this.#times.get(name)
      if (times === undefined) this.#times.set(name, (times = new Map()))
      const known = times.get(labels)
      if (known !== undefined) return known
      if (this.#size >= this.#limit) return this.#start
      times.set(labels, lastPage)
      this.#size++
      return lastPage
    }
  }
}
