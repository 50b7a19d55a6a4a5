/**
 * Reads the response of one target into a text. The target may be slow, endless or broken: the time and the size of the
 * response are limited. parse.ts reads the text.
 *
 * The connection is a plain socket for HTTP, too. `fetch` would use the proxy of the environment, has no limit for a
 * response head, and reads ahead of its consumer, so an endless response would fill memory that is not counted.
 */
import type { Target } from '../config/target.ts'
import { within } from './deadline.ts'
import type { DocumentMemory } from './document_memory.ts'
import { CLOSED_WITHOUT_RESPONSE, HttpResponse, NO_HTTP, OPEN_OBJECT, requestFor } from './http_response.ts'
import { orAbort, ReadError, TOO_LATE } from './read_error.ts'
import { connectUnix } from './unix_socket.ts'

export interface ReadOptions {
  /** Aborts the reading. */
  signal: AbortSignal
  /** Holds the documents that are being read; its limit is also the size limit of one response. */
  memory: DocumentMemory
}

/** Takes the bytes of a connection. */
interface Receiver {
  /** @returns whether the response is complete. @throws {ReadError} when it is refused. */
  push(bytes: Buffer): boolean
  /** The connection was closed. @throws {ReadError} when the response is not complete. */
  end(): void
}

/**
 * The document that a target sends, as text.
 * @throws {ReadError} with the same words for the same failure.
 */
export async function readDocument(target: Target, { signal, memory }: ReadOptions): Promise<string> {
  const document = memory.open()
  const append = (bytes: Buffer) => document.append(bytes)
  const response = target.http ? new HttpResponse(append) : rawResponse(append)
  try {
    await receive(target, limited(memory.limitBytes, response), signal)
    const text = document.text()
    if (!target.http && text.startsWith('HTTP/')) throw new ReadError('the response is HTTP: use http://')
    if (!target.http && text === '') throw new ReadError(SENT_NOTHING)
    return text
  } catch (error) {
    const { message } = error as ReadError
    if (target.http && NO_RESPONSE.has(message) && (await isRawStats(target, signal)))
      throw new ReadError(NO_HTTP)
    if (!target.http && message === TOO_LATE && document.heldBytes === 0) throw new ReadError(SENT_NOTHING)
    throw error
  } finally {
    document.release()
  }
}

/** A raw stats socket closes while the request arrives, so its data may be lost. */
const RESET = 'it reset the connection (ECONNRESET)'
const NO_RESPONSE: ReadonlySet<string> = new Set([RESET, CLOSED_WITHOUT_RESPONSE])
const RAW_STATS_WITHIN_MS = 1000
/** uWSGI with stats-http waits for a request and closes after some seconds, before or after the deadline of a scrape. */
const SENT_NOTHING = 'it sent nothing in time: if it speaks HTTP, use http://'

/** Whether the target sends a JSON object without a request. */
const isRawStats = ({ at }: Target, signal: AbortSignal): Promise<boolean> =>
  within(
    RAW_STATS_WITHIN_MS,
    signal,
    async (soon) => (await firstByte({ label: '', at }, soon)) === OPEN_OBJECT,
  )

/** The first byte of the response, if there is one. */
export async function firstByte(target: Target, signal: AbortSignal): Promise<number | undefined> {
  let first: number | undefined
  const push = (bytes: Buffer) => {
    first = bytes[0]
    return true
  }
  await receive(target, { push, end() {} }, signal).catch(() => {})
  return first
}

/** Without HTTP, the response ends when the connection does. */
const rawResponse = (append: (bytes: Buffer) => void): Receiver => ({
  push(bytes) {
    append(bytes)
    return false
  },
  end() {},
})

function limited(limitBytes: number, response: Receiver): Receiver {
  let received = 0
  return {
    push(bytes) {
      received += bytes.length
      if (received > limitBytes) throw new ReadError(`the response is longer than ${limitBytes} bytes`)
      return response.push(bytes)
    },
    end: () => response.end(),
  }
}

/** Connects, sends the request of an HTTP target, and gives the receiver all bytes; the connection is always closed. */
function receive({ at, http, serverName }: Target, to: Receiver, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (error: unknown) => reject(error instanceof ReadError ? error : new ReadError(reasonOf(error)))
  let socket: Bun.Socket<unknown> | undefined

  const sendRequest = (opened: Bun.Socket<unknown>) => {
    if (http) opened.write(requestFor(http))
  }
  const handlers: Bun.SocketHandler<unknown> = {
    open(opened) {
      socket = opened
      if (signal.aborted) opened.terminate()
      else if (serverName === undefined) sendRequest(opened)
    },
    handshake(opened, isTrusted, error) {
      if (isTrusted) sendRequest(opened)
      else fail(new ReadError(`its certificate is not trusted (${codeOf(error)})`))
    },
    data(_, bytes) {
      try {
        if (to.push(bytes)) resolve()
      } catch (error) {
        fail(error)
      }
      // Frees half a megabyte at once; the garbage collector would free it later.
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
    // Bun.connect takes a file descriptor, too; its types do not say so.
    const address =
      'unix' in at ? ({ fd: connectUnix(at.unix) } as object as { unix: string }) : { ...at, ...tls }
    Bun.connect({ ...address, socket: handlers } as Bun.TCPSocketConnectOptions<unknown>).catch(fail)
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
      return RESET
    default:
      return `it could not be read (${typeof code === 'string' ? code : error})`
  }
}
