/**
 * A client above the limit of connections: it gets an error, and its bytes are read and dropped for a while. Closing at
 * once would reset the connection, and the client could lose the error (RFC 9112 section 9.6).
 */
import type { Socket } from 'bun'
import { encodeReply } from '../routing/local_reply.ts'
import type { ClientContext } from './client_context.ts'
import { ClientSocket, LINGER_MS } from './client_socket.ts'
import { rejectionReply } from './rejection_reply.ts'

/** Further clients are reset at once. */
export const MAX_TURNED_AWAY = 64

export class TurnedAway {
  readonly deadlineMs: number
  readonly #socket: ClientSocket

  constructor(
    context: ClientContext,
    socket: Socket<unknown>,
    readonly forget: (client: TurnedAway) => void,
  ) {
    this.deadlineMs = context.clock.nowMs + LINGER_MS
    this.#socket = new ClientSocket(socket, context.clientMetrics.sentBytes)
  }

  /** Sends the error. */
  start(): void {
    const bytes = encodeReply(rejectionReply('connections'), 'Connection: close\r\n', true)
    this.#socket.out.write(bytes, 0, bytes.length)
    this.#socket.leave(true)
  }

  onData(): void {}

  onDrain(): void {
    this.#socket.drain()
  }

  /** The gateway's half is closed already, so Bun closes the socket. */
  onEnd(): void {}

  onClose(): void {
    this.forget(this)
  }

  /** Closes with a reset. */
  reset(): void {
    this.#socket.reset()
  }
}
