/**
 * The HTTP/1.1 client of one virtual user: a keep-alive connection of its own to each server, and one request at a time. Bun's
 * fetch shares 64 idle connections among all users of a process, so with more users than that they would connect again and again.
 */

import type { Socket } from 'bun'
import { type RawResponse, ResponseReader } from './response_reader.ts'

export interface HttpRequest {
  method: string
  url: URL
  headers: Readonly<Record<string, string>>
  body: string | null
}

export interface Exchange {
  response: RawResponse
  /** From the first byte sent to the last one received, without the time to connect. */
  durationMs: number
}

/** A request without a response. */
export class RequestFailed extends Error {
  override name = 'RequestFailed'
  constructor(
    message: string,
    readonly durationMs = 0,
  ) {
    super(message)
  }
}

const HTTP_PORT = 80

export class HttpClient {
  readonly #connections = new Map<string, Connection>()

  /** @throws RequestFailed when there is no response */
  async send(request: HttpRequest): Promise<Exchange> {
    const { host } = request.url
    const idle = this.#connections.get(host)
    if (idle?.isOpen) {
      try {
        return await idle.send(request)
      } catch (error) {
        // The server may close an idle connection while the request is on its way. As Go's client, try a new one where it is safe.
        if (
          !(error instanceof RequestFailed) ||
          idle.hasBegun ||
          request.method !== 'GET' ||
          idle.wasDestroyed
        )
          throw error
      }
    }
    const connection = new Connection()
    this.#connections.set(host, connection)
    await connection.open(request.url)
    return connection.send(request)
  }

  /** Ends every connection; a request in flight fails with the message. */
  destroy(message: string): void {
    for (const connection of this.#connections.values()) connection.destroy(message)
    this.#connections.clear()
  }
}

class Connection {
  #socket: Socket | undefined
  readonly #reader = new ResponseReader()
  #pending: PromiseWithResolvers<Exchange> | undefined
  #startedMs = 0
  /** The part of the request that the kernel has not taken yet. */
  #unsent: Buffer | undefined
  #error: string | undefined
  wasDestroyed = false

  get isOpen(): boolean {
    return this.#socket !== undefined && this.#error === undefined
  }

  /** Whether a part of the last response has come. */
  get hasBegun(): boolean {
    return this.#reader.hasBegun
  }

  async open({ hostname, port }: URL): Promise<void> {
    try {
      this.#socket = await Bun.connect({
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? HTTP_PORT : Number(port),
        socket: {
          data: (_, bytes) => this.#onData(bytes),
          drain: () => this.#flush(),
          end: () => this.#onEnd(),
          close: () => this.#onEnd(),
          error: (_, error) => this.#fail(error.message),
        },
      })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw new RequestFailed(code === 'ECONNREFUSED' ? 'dial: connection refused' : `dial: ${message}`)
    }
    if (this.#error !== undefined) {
      this.#socket.terminate()
      throw new RequestFailed(this.#error)
    }
  }

  send({ method, url, headers, body }: HttpRequest): Promise<Exchange> {
    let head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: bun-monitoring-load\r\n`
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`
    if (body !== null) head += `Content-Length: ${Buffer.byteLength(body)}\r\n`
    const { promise } = (this.#pending = Promise.withResolvers<Exchange>())
    this.#reader.begin(method)
    this.#unsent = Buffer.from(`${head}\r\n${body ?? ''}`)
    this.#startedMs = performance.now()
    this.#flush()
    return promise
  }

  destroy(message: string): void {
    this.wasDestroyed = true
    this.#fail(message)
  }

  #flush(): void {
    if (this.#unsent === undefined) return
    const written = Math.max(0, this.#socket!.write(this.#unsent))
    this.#unsent = written < this.#unsent.length ? this.#unsent.subarray(written) : undefined
  }

  #onData(bytes: Buffer): void {
    if (this.#pending === undefined) return this.#fail('the server sent bytes that nothing had asked for')
    try {
      const response = this.#reader.read(bytes)
      if (response) this.#finish(response)
    } catch (error) {
      this.#fail((error as Error).message)
    }
  }

  #onEnd(): void {
    const response = this.#pending && this.#reader.end()
    if (response) this.#finish(response)
    this.#fail('EOF')
  }

  #finish(response: RawResponse): void {
    const pending = this.#pending!
    this.#pending = undefined
    if (!response.isReusable) this.#fail('the connection is closed')
    pending.resolve({ response, durationMs: performance.now() - this.#startedMs })
  }

  #fail(message: string): void {
    if (this.#error !== undefined) return
    this.#error = message
    this.#socket?.terminate()
    this.#pending?.reject(new RequestFailed(message, performance.now() - this.#startedMs))
    this.#pending = undefined
  }
}
