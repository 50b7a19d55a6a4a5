/**
 * What was sent of a request, kept until its answer begins, so that it can be sent once more. A body that has grown too
 * large for that is only passed on. Before there is a connection, all of it waits here.
 */
import type { Outbox, Sink } from './outbox.ts'

/** More than this is kept only as long as nothing was sent. */
export const KEPT_BYTES = 65_536
const FIRST_BYTES = 2048

export class KeptRequest implements Sink {
  /** Whether all that was written is still here. */
  isWhole = true
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #length = 0
  #out: Outbox | undefined

  /** Sends all of it to where the rest goes from now on. */
  sendTo(out: Outbox): void {
    this.#out = out
    out.write(this.#buffer, 0, this.#length, true)
    if (this.#length > KEPT_BYTES && out.hasSent) this.forget()
  }

  /** The connection is gone: what comes waits for another one. */
  detach(): void {
    this.#out = undefined
  }

  write(bytes: Buffer, from: number, to: number, isShared = false): void {
    this.#out?.write(bytes, from, to, isShared)
    if (!this.isWhole) return
    const length = this.#length + to - from
    if (length > KEPT_BYTES && this.#out?.hasSent) return this.forget()
    if (length > this.#buffer.length) this.#grow(length)
    bytes.copy(this.#buffer, this.#length, from, to)
    this.#length = length
  }

  /** It will not be sent again: what comes is passed on only. */
  forget(): void {
    this.isWhole = false
    this.#length = 0
    if (this.#buffer.length > FIRST_BYTES) this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  }

  /** Makes it ready for another request. */
  clear(): void {
    this.forget()
    this.detach()
    this.isWhole = true
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
