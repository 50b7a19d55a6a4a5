/** The links of the live page that respond. They are checked when the page asks, not more often than every half minute. */
import type { Link } from '../config/settings.ts'
import { within } from '../stats/deadline.ts'
import { firstByte } from '../stats/read.ts'

const CHECK_AGAIN_AFTER_MS = 30_000
const RESPONDS_WITHIN_MS = 1000

export type CheckedLink = Pick<Link, 'name' | 'url'>

export class Links {
  readonly #links: readonly Link[]
  readonly #now: () => number
  #responding: Promise<CheckedLink[]> | undefined
  #checkedMs = -Infinity

  constructor(links: readonly Link[], now: () => number = Date.now) {
    this.#links = links
    this.#now = now
  }

  responding(): Promise<CheckedLink[]> {
    if (this.#responding === undefined || this.#now() - this.#checkedMs >= CHECK_AGAIN_AFTER_MS) {
      this.#checkedMs = this.#now()
      this.#responding = this.#check()
    }
    return this.#responding
  }

  async #check(): Promise<CheckedLink[]> {
    const responds = await Promise.all(
      this.#links.map(({ target }) =>
        within(RESPONDS_WITHIN_MS, new AbortController().signal, (signal) => firstByte(target, signal)),
      ),
    )
    return this.#links.filter((_, i) => responds[i] !== undefined).map(({ name, url }) => ({ name, url }))
  }
}
