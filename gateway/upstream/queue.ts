/** A bounded queue, first in first out; each item has a deadline. An item that comes back is the first again. */

export class WaitingQueue<T> {
  readonly #deadlines = new Map<T, number>()

  constructor(readonly capacity: number) {}

  get size(): number {
    return this.#deadlines.size
  }

  /** @returns false if the queue is full */
  add(item: T, deadlineMs: number): boolean {
    if (this.size >= this.capacity) return false
    this.#deadlines.set(item, deadlineMs)
    return true
  }

  /** Adds an item before all others. @returns false if the queue is full */
  addFirst(item: T, deadlineMs: number): boolean {
    if (this.size >= this.capacity) return false
    const others = [...this.#deadlines]
    this.#deadlines.clear()
    this.#deadlines.set(item, deadlineMs)
    for (const [other, otherMs] of others) this.#deadlines.set(other, otherMs)
    return true
  }

  /** Removes and returns the first item. */
  shift(): T | undefined {
    for (const item of this.#deadlines.keys()) {
      this.#deadlines.delete(item)
      return item
    }
    return undefined
  }

  /** Removes this item. @returns whether it was queued */
  delete(item: T): boolean {
    return this.#deadlines.delete(item)
  }

  /** Removes and returns the items past their deadline. */
  expire(nowMs: number): T[] {
    const expired: T[] = []
    for (const [item, deadlineMs] of this.#deadlines) if (nowMs > deadlineMs) expired.push(item)
    for (const item of expired) this.#deadlines.delete(item)
    return expired
  }
}
