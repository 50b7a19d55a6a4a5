/**
 * The text of one answer while it is read: pieces of one size, within the budget of all. One size, so that what one
 * document gives up fits the next, and nothing is copied when it grows.
 */
import type { Budget, Holder } from './budget.ts'
import { ReadError } from './read_error.ts'

const PIECE_BYTES = 64 * 1024

export class Document implements Holder {
  heldBytes = 0
  readonly #budget: Budget
  #pieces: Uint8Array<ArrayBuffer>[] = []
  /** Room that is left in the last piece. */
  #freeBytes = 0
  #isLost = false

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** @throws {ReadError} once it had to give its memory away. */
  append(bytes: Uint8Array): void {
    this.#mustNotBeLost()
    for (let at = 0; at < bytes.length;) {
      if (this.#freeBytes === 0) this.#grow()
      const part = bytes.subarray(at, at + this.#freeBytes)
      this.#pieces.at(-1)!.set(part, PIECE_BYTES - this.#freeBytes)
      this.#freeBytes -= part.length
      at += part.length
    }
  }

  /**
   * Bytes that are no UTF-8 are replaced: a request in flight may put any into uWSGI's document.
   * @throws {ReadError} as `append` does.
   */
  text(): string {
    this.#mustNotBeLost()
    const decoder = new TextDecoder()
    const last = this.#pieces.length - 1
    const texts = this.#pieces.map((piece, i) =>
      decoder.decode(i === last ? piece.subarray(0, PIECE_BYTES - this.#freeBytes) : piece, { stream: true }),
    )
    return texts.join('') + decoder.decode()
  }

  giveWay(): void {
    this.#isLost = true
    this.release()
  }

  release(): void {
    this.#budget.release(this)
    // What is given up is free at once, not when the garbage is collected.
    for (const piece of this.#pieces) piece.buffer.transfer(0)
    this.#pieces = []
    this.#freeBytes = 0
    this.heldBytes = 0
  }

  /** It grows only after the budget has agreed. */
  #grow(): void {
    this.heldBytes += PIECE_BYTES
    this.#budget.makeRoomFor(this)
    this.#mustNotBeLost()
    this.#pieces.push(new Uint8Array(PIECE_BYTES))
    this.#freeBytes = PIECE_BYTES
  }

  #mustNotBeLost(): void {
    if (this.#isLost)
      throw new ReadError('its answer is the longest of those that are being read, and memory is short')
  }
}
