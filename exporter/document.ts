/** The text of one answer while it is read: bytes in a buffer that grows, within the budget of all. */
import type { Budget, Holder } from './budget.ts'
import { ReadError } from './read_error.ts'

const FIRST_BYTES = 16 * 1024

export class Document implements Holder {
  /** What it may hold by now; it grows only after the budget has agreed. */
  heldBytes = 0
  readonly #budget: Budget
  #bytes = new Uint8Array(0)
  #length = 0
  #isLost = false

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** @throws {ReadError} once it had to give its memory away. */
  append(bytes: Uint8Array): void {
    this.#mustNotBeLost()
    const length = this.#length + bytes.length
    if (length > this.heldBytes) {
      const roomy = Math.max(2 * this.heldBytes, FIRST_BYTES)
      this.heldBytes = Math.max(length, Math.min(roomy, this.#budget.limitBytes))
      this.#budget.makeRoomFor(this)
      this.#mustNotBeLost()
      this.#resize(this.heldBytes)
    }
    this.#bytes.set(bytes, this.#length)
    this.#length = length
  }

  /**
   * Bytes that are no UTF-8 are replaced: a request in flight may put any into uWSGI's document.
   * @throws {ReadError} as `append` does.
   */
  text(): string {
    this.#mustNotBeLost()
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#length))
  }

  giveWay(): void {
    this.#isLost = true
    this.release()
  }

  release(): void {
    this.#budget.release(this)
    this.#resize(0)
    this.heldBytes = 0
    this.#length = 0
  }

  #mustNotBeLost(): void {
    if (this.#isLost)
      throw new ReadError('its answer is the longest of those that are being read, and memory is short')
  }

  /** What is given up is free at once, not when the garbage is collected. */
  #resize(length: number): void {
    this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(length))
  }
}
