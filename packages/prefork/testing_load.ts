/**
 * For tests: clients that keep their connections alive and honour `Connection: close`. A failed request is a failure, unless
 * it is a GET and `repeatGets` is set: then it is sent once more, on a new connection. A response with a status from 500 is a
 * failure, too.
 */
export const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const

export type Target = { hostname: string; port: number } | { unix: string }

export interface LoadOptions {
  connections: number
  methods?: readonly (typeof METHODS)[number][]
  /** One path for all requests, or a function that is called for each. */
  path?: string | (() => string)
  repeatGets?: boolean
  /** Between two requests of a client (default 0). */
  pauseMs?: number
}

interface ClientResponse {
  status: number
  body: string
  headers: string
  isLast: boolean
}

/** One connection, one request at a time. */
class Connection {
  #received = ''
  #waiting: PromiseWithResolvers<ClientResponse> | undefined
  #socket!: Bun.Socket
  #closedBecause: string | undefined

  static async open(target: Target): Promise<Connection> {
    const connection = new Connection()
    connection.#socket = await Bun.connect({
      ...(target as { hostname: string; port: number }),
      socket: {
        data: (_, bytes) => connection.#receive(bytes.toString('latin1')),
        close: () => connection.#fail('the connection was closed'),
        error: (_, error) => connection.#fail(error.message),
      },
    })
    return connection
  }

  ask(method: string, path: string): Promise<ClientResponse> {
    if (this.#closedBecause !== undefined) return Promise.reject(new Error(this.#closedBecause))
    this.#waiting = Promise.withResolvers<ClientResponse>()
    const body = method === 'POST' || method === 'PUT' ? 'some body' : ''
    const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
    this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: test\r\n${length}\r\n${body}`)
    return this.#waiting.promise
  }

  close(): void {
    this.#socket.end()
  }

  #receive(text: string): void {
    this.#received += text
    const end = this.#received.indexOf('\r\n\r\n')
    if (end === -1) return
    const headers = this.#received.slice(0, end)
    const length = Number(/^content-length: (\d+)/im.exec(headers)?.[1] ?? 0)
    if (this.#received.length < end + 4 + length) return
    const body = this.#received.slice(end + 4, end + 4 + length)
    this.#received = this.#received.slice(end + 4 + length)
    const response = {
      status: Number(headers.slice(9, 12)),
      body,
      headers,
      isLast: /^connection: close/im.test(headers),
    }
    this.#waiting?.resolve(response)
    this.#waiting = undefined
  }

  #fail(why: string): void {
    this.#closedBecause = why
    this.#waiting?.reject(new Error(this.#received === '' ? why : `${why} in mid-response`))
    this.#waiting = undefined
  }
}

/** The middle one of some times, or another part of them. */
export const partOf = (times: readonly number[], part = 0.5): number =>
  times.toSorted((a, b) => a - b)[Math.floor(part * (times.length - 1))]!

const MORE_WITHIN_MS = 110_000

/** Clients that send requests until they are stopped. */
export class Load implements AsyncDisposable {
  answered = 0
  /** Requests that were sent again. */
  repeated = 0
  readonly failures: string[] = []
  /** When each client sent the request that it waits for. */
  readonly #askedMs = new Map<number, number>()
  /** The number of responses with each body. */
  readonly bodies = new Map<string, number>()
  /** The number of responses of each worker, by `X-Worker`. */
  readonly workers = new Map<string, number>()
  readonly #clients: Promise<void>[]
  #isStopping = false

  constructor(
    readonly target: Target,
    { connections, methods = ['GET'], path = '/', repeatGets = false, pauseMs = 0 }: LoadOptions,
  ) {
    this.#clients = Array.from({ length: connections }, async (_, client) => {
      let connection: Connection | undefined
      for (let turn = client; !this.#isStopping; turn++) {
        const method = methods[turn % methods.length]!
        this.#askedMs.set(client, performance.now())
        const now = typeof path === 'string' ? path : path()
        connection = await this.#ask(connection, method, now, repeatGets && method === 'GET')
        this.#askedMs.delete(client)
        if (pauseMs > 0) await Bun.sleep(pauseMs)
      }
      connection?.close()
    })
  }

  /** Resolves after this many more responses. @throws if they take too long. */
  async more(answers: number): Promise<void> {
    const enough = this.answered + answers
    const deadlineMs = performance.now() + MORE_WITHIN_MS
    while (this.answered < enough) {
      if (performance.now() > deadlineMs)
        throw new Error(`${enough - this.answered} answers are missing: ${this}`)
      await Bun.sleep(5)
    }
  }

  toString(): string {
    const waits = [...this.#askedMs.values()].map((askedMs) => Math.round(performance.now() - askedMs))
    return `${this.answered} came, clients wait for ${waits.join(', ')} ms, failures: ${this.failures.join('; ')}`
  }

  async stop(): Promise<this> {
    this.#isStopping = true
    await Promise.all(this.#clients)
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #ask(
    kept: Connection | undefined,
    method: string,
    path: string,
    mayRepeat: boolean,
  ): Promise<Connection | undefined> {
    try {
      const connection = kept ?? (await Connection.open(this.target))
      const { status, body, headers, isLast } = await connection.ask(method, path)
      if (status >= 500) this.failures.push(`${method}: ${status} ${body}`)
      else this.answered++
      this.bodies.set(body, (this.bodies.get(body) ?? 0) + 1)
      const worker = /^x-worker: (\d+)/im.exec(headers)?.[1] ?? '?'
      this.workers.set(worker, (this.workers.get(worker) ?? 0) + 1)
      if (!isLast) return connection
      connection.close()
    } catch (error) {
      if (mayRepeat) {
        this.repeated++
        return this.#ask(undefined, method, path, false)
      }
      this.failures.push(`${method}: ${(error as Error).message}`)
    }
    return undefined
  }
}
