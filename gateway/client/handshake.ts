/** A client during its TLS handshake. It counts as a connection, and has a limited time. */
import type { Socket } from 'bun'
import type { ClientContext } from './client_context.ts'

export class Handshake {
  readonly deadlineMs: number

  constructor(
    context: ClientContext,
    readonly socket: Socket<unknown>,
    readonly forget: (handshake: Handshake) => void,
  ) {
    this.deadlineMs = context.clock.nowMs + context.timeouts.handshakeMs
  }

  onData(): void {}
  onDrain(): void {}
  onEnd(): void {}

  onClose(): void {
    this.forget(this)
  }

  /** Closes with a reset. */
  reset(): void {
    this.socket.terminate()
  }
}
