/**
 * The writing side of a connection. Bun's `write` takes what the kernel takes and leaves the rest to us: it is kept
 * here, and whoever sends is told to stop until it is gone, so a slow reader costs one read's worth of memory. What is
 * written before the connection is open waits in the same way.
 */
import type { Socket } from 'bun'

/** Where bytes go. Those that are shared will be written over: what waits of them must be copied. */
export interface Sink {
  write(bytes: Buffer, from: number, to: number, isShared?: boolean): void
}

export class Outbox implements Sink {
  /** Whether the kernel took any of it. Reset by whoever asks. */
  hasSent = false
  #socket: Socket<unknown> | undefined
  #kept: Buffer[] = []

  /** Counts what is sent. */
  constructor(readonly counter?: { inc(bytes: number): void }) {}

  /** Whether something waits: time to stop reading what would be sent here. */
  get isBlocked(): boolean {
    return this.#kept.length > 0
  }

  open(socket: Socket<unknown>): void {
    this.#socket = socket
    this.drain()
  }

  write(bytes: Buffer, from: number, to: number, isShared = false): void {
    this.counter?.inc(to - from)
    const mayWrite = this.#socket !== undefined && this.#kept.length === 0
    const sent = mayWrite ? this.#socket!.write(bytes, from, to - from) : 0
    if (sent > 0) this.hasSent = true
    // -1: it is closed, as its handler will hear.
    if (sent === -1 || sent === to - from) return
    const rest = bytes.subarray(from + sent, to)
    this.#kept.push(isShared ? Buffer.from(rest) : rest)
  }

  /** Sends what waits, as far as the socket takes it. */
  drain(): void {
    while (this.#kept.length > 0) {
      const bytes = this.#kept[0]!
      const sent = this.#socket!.write(bytes)
      if (sent > 0) this.hasSent = true
      if (sent >= 0 && sent < bytes.length) {
        this.#kept[0] = bytes.subarray(sent)
        return
      }
      this.#kept.shift()
    }
  }
}
