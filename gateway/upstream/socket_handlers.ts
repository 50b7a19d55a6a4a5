/** The handlers of sockets to upstreams: each passes the event to the connection that owns the socket. */
import type { Socket } from 'bun'
import { discard } from '../io/coalesce.ts'

/** The owner of a socket. upstream_connection.ts implements it. */
export interface SocketOwner {
  onOpen(socket: Socket<unknown>): void
  onHandshake(socket: Socket<unknown>, isDone: boolean, error: Error | null): void
  onData(bytes: Buffer): void
  onDrain(): void
  onClose(error?: Error): void
  onConnectError(): void
  onError(error: Error): void
}

export const handlers = {
  open: (socket: Socket<SocketOwner>) => socket.data.onOpen(socket),
  data: (socket: Socket<SocketOwner>, bytes: Buffer) => socket.data.onData(bytes),
  drain: (socket: Socket<SocketOwner>) => socket.data.onDrain(),
  close: (socket: Socket<SocketOwner>, error?: Error) => socket.data.onClose(error),
  // Bun calls this for an exception of a handler.
  error(socket: Socket<SocketOwner>, error: Error) {
    discard()
    socket.data.onError(error)
  },
  connectError: (socket: Socket<SocketOwner>) => socket.data.onConnectError(),
}

/** With TLS a connection is open once the handshake is done. */
export const tlsHandlers = {
  ...handlers,
  open() {},
  handshake: (socket: Socket<SocketOwner>, isDone: boolean, error: Error | null) =>
    socket.data.onHandshake(socket, isDone, error),
}
