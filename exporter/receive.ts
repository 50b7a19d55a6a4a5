/**
 * One connection to a target: asks where it must be asked, hands over what comes in, and is gone afterwards whatever
 * happened. Plain sockets, for http too: they read no faster than what they read is looked at, so an answer that does not
 * end fills no buffer that nobody counts.
 */
import { requestFor } from './http.ts'
import { orAbort, ReadError } from './read_error.ts'
import type { Target } from './target.ts'
import { connectUnix } from './unix_socket.ts'

/** Where bytes go. */
export interface Receiver {
  /** @returns whether these were the last. @throws {ReadError} where it wants no more. */
  push(bytes: Buffer): boolean
  /** The connection was closed. @throws {ReadError} where that was too early. */
  end(): void
}

/**
 * Resolves when the receiver has all that the target sends.
 * @throws {ReadError} where it has not, or the signal ended it.
 */
export function receive({ at, http, serverName }: Target, to: Receiver, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (error: unknown) => reject(error instanceof ReadError ? error : new ReadError(reasonOf(error)))
  let socket: Bun.Socket<unknown> | undefined

  const ask = (opened: Bun.Socket<unknown>) => {
    if (http) opened.write(requestFor(http))
  }
  const handlers: Bun.SocketHandler<unknown> = {
    open(opened) {
      socket = opened
      if (signal.aborted) opened.terminate()
      else if (serverName === undefined) ask(opened)
    },
    handshake(opened, isTrusted, error) {
      if (isTrusted) ask(opened)
      else fail(new ReadError(`its certificate is not trusted (${codeOf(error)})`))
    },
    data(_, bytes) {
      try {
        if (to.push(bytes)) resolve()
      } catch (error) {
        fail(error)
      }
      // Free at once, not when the garbage is collected: half a megabyte each.
      ;(bytes.buffer as ArrayBuffer).transfer(0)
    },
    close(_, error) {
      try {
        if (error) throw error
        to.end()
        resolve()
      } catch (reason) {
        fail(reason)
      }
    },
  }
  const tls = serverName === undefined ? {} : { tls: { serverName } }
  try {
    // Bun's types do not have it, but a descriptor is as good as an address.
    const where =
      'unix' in at ? ({ fd: connectUnix(at.unix) } as object as { unix: string }) : { ...at, ...tls }
    Bun.connect({ ...where, socket: handlers } as Bun.TCPSocketConnectOptions<unknown>).catch(fail)
  } catch (error) {
    fail(error)
  }

  return orAbort(promise, signal).finally(() => socket?.terminate())
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code

function reasonOf(error: unknown): string {
  const code = codeOf(error)
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return `nothing listens there (${code})`
    case 'ECONNRESET':
      return 'it reset the connection (ECONNRESET)'
    default:
      return `it could not be read (${typeof code === 'string' ? code : error})`
  }
}
