/**
 * The socket under a client's connection: what is sent waits here, reading stops and goes on here, and it is closed so
 * that what was sent arrives. What is said on it is client.ts's business.
 */
import type { Socket } from 'bun'
import { Outbox } from './outbox.ts'

/** How long a client that was answered and is to go may go on sending before it is cut off. */
export const LINGER_MS = 5000
const PROCESSING = Buffer.from('HTTP/1.1 102 Processing\r\n\r\n')

export class Wire {
  readonly out: Outbox
  /** Whether the client has closed its half. */
  hasEnded = false
  isPaused = false
  #state: 'open' | 'sending the last' | 'lingering' | 'closed' = 'open'
  #lingers = false

  constructor(
    readonly socket: Socket<unknown>,
    sentBytes: { inc(bytes: number): void },
  ) {
    this.out = new Outbox(sentBytes)
    this.out.open(socket)
  }

  /** Whether nothing that comes will be read any more. */
  get isLeaving(): boolean {
    return this.#state !== 'open'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  pause(): void {
    if (this.isPaused) return
    this.isPaused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.socket.resume()
  }

  /**
   * Closes the socket once everything is sent. With `lingers` the client may still be sending: to close before it stops
   * would reset the connection, and take back what it has not read yet (RFC 9112 section 9.6).
   */
  leave(lingers: boolean): void {
    if (this.isClosed) return
    this.#lingers = lingers && !this.hasEnded
    this.#state = 'sending the last'
    this.resume()
    this.#goOn()
  }

  drain(): void {
    this.out.drain()
    this.#goOn()
  }

  /** The client has closed its half. */
  end(): void {
    this.hasEnded = true
    if (this.#state === 'lingering') this.close()
  }

  /** Asks a client that has closed its half whether it is still there: one that has left answers with a reset. */
  probe(): void {
    this.out.write(PROCESSING, 0, PROCESSING.length)
  }

  close(): void {
    this.#state = 'closed'
    this.socket.end()
  }

  /** Closes with a reset. */
  cut(): void {
    this.#state = 'closed'
    this.socket.terminate()
  }

  #goOn(): void {
    if (this.#state !== 'sending the last' || this.out.isBlocked) return
    if (!this.#lingers) return this.close()
    this.#state = 'lingering'
    this.socket.shutdown()
  }
}
