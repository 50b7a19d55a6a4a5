/**
 * For tests: clients that keep their connections alive, honour `Connection: close`, and hide nothing. A request that fails
 * is a failure, unless it is a GET and one repetition on a new connection was asked for.
 */
export type Target = { hostname: string; port: number } | { unix: string }

export interface LoadOptions {
  connections: number
  methods?: readonly ('GET' | 'POST' | 'PUT' | 'DELETE')[]
  path?: string
  repeatGets?: boolean
  /** Between the requests of a client (default none). */
  pauseMs?: number
}

interface Answer {
  status: number
  body: string
  headers: string
  isLast: boolean
}

/** One connection, one request at a time. */
class Connection {
  #received = ''
  #waiting: PromiseWithResolvers<Answer> | undefined
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

  ask(method: string, path: string): Promise<Answer> {
    if (this.#closedBecause !== undefined) return Promise.reject(new Error(this.#closedBecause))
    this.#waiting = Promise.withResolvers<Answer>()
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
    const answer = {
      status: Number(headers.slice(9, 12)),
      body,
      headers,
      isLast: /^connection: close/im.test(headers),
    }
    this.#waiting?.resolve(answer)
    this.#waiting = undefined
  }

  #fail(why: string): void {
    this.#closedBecause = why
    this.#waiting?.reject(new Error(this.#received === '' ? why : `${why} in mid-answer`))
    this.#waiting = undefined
  }
}

/** Clients that ask without a pause until they are stopped. */
export class Load implements AsyncDisposable {
  answered = 0
  /** Requests that were sent once more. */
  repeated = 0
  readonly failures: string[] = []
  /** How often each body came. */
  readonly bodies = new Map<string, number>()
  /** How many answers each worker gave, by `X-Worker`. */
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
        connection = await this.#ask(connection, method, path, repeatGets && method === 'GET')
        if (pauseMs > 0) await Bun.sleep(pauseMs)
      }
      connection?.close()
    })
  }

  /** Resolves when so many answers more have come. */
  async more(answers: number): Promise<void> {
    const enough = this.answered + answers
    while (this.answered < enough) await Bun.sleep(5)
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
      const { body, headers, isLast } = await connection.ask(method, path)
      this.answered++
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
