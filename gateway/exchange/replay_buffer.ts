/**
 * Keeps what was sent of a request until its response begins, so that the request can be sent again. A body beyond
 * REPLAY_BYTES is only passed on. Before there is a connection, all bytes wait here.
 */
import type { Sink, WriteQueue } from '../io/write_queue.ts'

/** Most bytes that are kept once a byte was sent. */
export const REPLAY_BYTES = 65_536
const INITIAL_BYTES = 2048

export class ReplayBuffer implements Sink {
  /** Whether it holds all bytes of the request so far. */
  isComplete = true
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #length = 0
  #out: WriteQueue | undefined

  /** Sends all kept bytes to `out`, and from now on also those that are written. */
  sendTo(out: WriteQueue): void {
    this.#out = out
    out.write(this.#buffer, 0, this.#length, true)
    if (this.#length > REPLAY_BYTES && out.hasSent) this.forget()
  }

  /** The connection is closed: further bytes wait for another one. */
  detach(): void {
    this.#out = undefined
  }

  write(bytes: Buffer, from: number, to: number, isShared = false): void {
    this.#out?.write(bytes, from, to, isShared)
    if (!this.isComplete) return
    const length = this.#length + to - from
    if (length > REPLAY_BYTES && this.#out?.hasSent) return this.forget()
    if (length > this.#buffer.length) this.#grow(length)
    bytes.copy(this.#buffer, this.#length, from, to)
    this.#length = length
  }

  /** The request will not be sent again: further bytes are only passed on. */
  forget(): void {
    this.isComplete = false
    this.#length = 0
    if (this.#buffer.length > INITIAL_BYTES) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  }

  /** Prepares it for another request. */
  clear(): void {
    this.forget()
    this.detach()
    this.isComplete = true
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
