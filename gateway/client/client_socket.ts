/**
 * The socket of a client's connection: queues writes, pauses and resumes reading, and closes so that what was sent
 * arrives. client_connection.ts reads the requests.
 */
import type { Socket } from 'bun'
import { WriteQueue } from '../io/write_queue.ts'

/** How long a client may go on sending after the last response before the connection is closed. */
export const LINGER_MS = 5000
const PROCESSING = Buffer.from('HTTP/1.1 102 Processing\r\n\r\n')

export class ClientSocket {
  readonly out: WriteQueue
  /** Whether the client has closed its half. */
  hasEnded = false
  isPaused = false
  #state: 'open' | 'sending the last' | 'lingering' | 'closed' = 'open'
  #lingers = false

  constructor(
    readonly socket: Socket<unknown>,
    sentBytes: { inc(bytes: number): void },
  ) {
    this.out = new WriteQueue(sentBytes)
    this.out.open(socket)
  }

  /** Whether further bytes from the client are ignored. */
  get isLeaving(): boolean {
    return this.#state !== 'open'
  }

  pause(): void {
    this.isPaused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.socket.resume()
  }

  /**
   * Closes the socket once everything is sent. With `lingers` it first waits until the client stops sending: closing
   * earlier would reset the connection, and the client could lose the response (RFC 9112 section 9.6).
   */
  leave(lingers: boolean): void {
    this.#lingers = lingers
    this.#state = 'sending the last'
    this.resume()
    this.#closeIfSent()
  }

  drain(): void {
    this.out.drain()
    this.#closeIfSent()
  }

  /** Sends a 102 to a client that has half-closed: if it has left altogether, its kernel responds with a reset. */
  probe(): void {
    this.out.write(PROCESSING, 0, PROCESSING.length)
  }

  /** Bun calls the handler for a closed socket before this returns. */
  close(): void {
    this.#state = 'closed'
    // With TLS, `end` alone waits until the client closes, too.
    this.socket.shutdown()
    this.socket.end()
  }

  /** Closes with a reset. Bun calls the handler before this returns. */
  reset(): void {
    this.#state = 'closed'
    this.socket.terminate()
  }

  #closeIfSent(): void {
    if (this.#state !== 'sending the last' || this.out.isBlocked) return
    if (!this.#lingers || this.hasEnded) return this.close()
    this.#state = 'lingering'
    this.socket.shutdown()
  }
}
