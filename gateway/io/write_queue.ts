/**
 * The writing side of a connection. Bun's `write` takes as much as the kernel does; the queue keeps the rest. `isBlocked`
 * then tells the sender to stop until it is written, so a slow reader costs the memory of one read. Bytes written before
 * the connection is open wait in the same queue.
 */
import type { Socket } from 'bun'

/** A destination of bytes. Shared bytes will be overwritten, so a sink must copy those that it keeps. */
export interface Sink {
  write(bytes: Buffer, from: number, to: number, isShared?: boolean): void
}

export class WriteQueue implements Sink {
  /** Whether the kernel has taken any byte. The connection resets it for each request. */
  hasSent = false
  #socket: Socket<unknown> | undefined
  #queued: Buffer[] = []

  /** @param counter counts the bytes written */
  constructor(readonly counter?: { inc(bytes: number): void }) {}

  /** Whether bytes are queued: time to stop reading the bytes that would be sent here. */
  get isBlocked(): boolean {
    return this.#queued.length > 0
  }

  open(socket: Socket<unknown>): void {
    this.#socket = socket
    this.drain()
  }

  write(bytes: Buffer, from: number, to: number, isShared = false): void {
    this.counter?.inc(to - from)
    const mayWrite = this.#socket !== undefined && this.#queued.length === 0
    const sent = mayWrite ? this.#socket!.write(bytes, from, to - from) : 0
    if (sent > 0) this.hasSent = true
    // -1: the socket is closed, and its close handler follows.
    if (sent === -1 || sent === to - from) return
    const rest = bytes.subarray(from + sent, to)
    this.#queued.push(isShared ? Buffer.from(rest) : rest)
  }

  /** Writes queued bytes, as many as the socket takes. */
  drain(): void {
    while (this.#queued.length > 0) {
      const bytes = this.#queued[0]!
      const sent = this.#socket!.write(bytes)
      if (sent > 0) this.hasSent = true
      if (sent >= 0 && sent < bytes.length) {
        this.#queued[0] = bytes.subarray(sent)
        return
      }
      this.#queued.shift()
    }
  }
}
