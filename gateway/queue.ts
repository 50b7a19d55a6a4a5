/** What waits for room or for a target that is ready: in order, not too many, and none beyond its deadline. */

export class WaitingQueue<T> {
  readonly #deadlines = new Map<T, number>()

  constructor(readonly capacity: number) {}

  get size(): number {
    return this.#deadlines.size
  }

  /** @returns whether there was room. */
  add(item: T, deadlineMs: number): boolean {
    if (this.size >= this.capacity) return false
    this.#deadlines.set(item, deadlineMs)
    return true
  }

  /** Takes the first one. */
  shift(): T | undefined {
    for (const item of this.#deadlines.keys()) {
      this.#deadlines.delete(item)
      return item
    }
    return undefined
  }

  /** Takes this one, wherever it stands. */
  delete(item: T): boolean {
    return this.#deadlines.delete(item)
  }

  /** Takes those that have waited for too long. */
  expire(nowMs: number): T[] {
    const expired: T[] = []
    for (const [item, deadlineMs] of this.#deadlines) if (nowMs > deadlineMs) expired.push(item)
    for (const item of expired) this.#deadlines.delete(item)
    return expired
  }
}
