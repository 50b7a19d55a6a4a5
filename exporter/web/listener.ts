/**
 * The listening sockets: plain or TLS, with or without passwords, as the file of `--web.config.file` says. The file is read
 * again every second; an open connection keeps its certificate.
 */
import type { Logger } from '../config/log.ts'
import type { ListenAddress } from '../config/settings.ts'
import { PLAIN, readWebConfig, type WebConfig } from '../config/web_config.ts'
import { MAX_TIMEOUT_MS } from '../stats/scrape.ts'
import { BasicAuth, type Verdict } from './auth.ts'

export type Handler = (request: Request) => Response | Promise<Response>

/** Programs that renew certificates do not signal this process, so it looks for changes. */
const READ_AGAIN_AFTER_MS = 1000

const REFUSALS: Record<Exclude<Verdict, 'accepted'>, () => Response> = {
  rejected: () =>
    new Response('user and password required\n', {
      status: 401,
      headers: { 'WWW-Authenticate': 'Basic realm="exporter", charset="UTF-8"' },
    }),
  busy: () =>
    new Response('too many passwords are being checked, try again\n', {
      status: 429,
      headers: { 'Retry-After': '1' },
    }),
}

/** Says which address is not available, and what to do. */
export class CannotListen extends Error {
  override name = 'CannotListen'
  constructor({ hostname = '', port }: ListenAddress, { code, message }: NodeJS.ErrnoException) {
    const advice = 'give another with --web.listen-address'
    super(
      code === 'EADDRINUSE'
        ? `port ${port} is taken: stop what listens on it or ${advice}`
        : `cannot listen on ${hostname}:${port} (${code ?? message}): ${advice}`,
    )
  }
}

export class Listener {
  readonly #addresses: readonly ListenAddress[]
  readonly #handler: Handler
  readonly #log: Logger
  #web: WebConfig = PLAIN
  #auth = new BasicAuth(PLAIN.users)
  #servers: Bun.Server<undefined>[] = []
  #timer: Timer | undefined
  #lastProblem: string | undefined

  /**
   * @throws {WebConfigError} if the file is wrong.
   * @throws {CannotListen} if one of the addresses is not available.
   */
  constructor(
    addresses: readonly ListenAddress[],
    webConfigFile: string | undefined,
    handler: Handler,
    log: Logger,
  ) {
    this.#addresses = addresses
    this.#handler = handler
    this.#log = log
    if (webConfigFile !== undefined) this.#use(readWebConfig(webConfigFile))
    this.#listen(addresses)
    if (webConfigFile !== undefined)
      this.#timer = setInterval(() => this.#readAgain(webConfigFile), READ_AGAIN_AFTER_MS)
  }

  /** The addresses that it listens on, as URLs. */
  get urls(): string[] {
    const scheme = this.#web.tls === undefined ? 'http' : 'https'
    return this.#servers.map((server) => {
      // Bun's types lack this property.
      const { address: host, port } = (server as unknown as { address: { address: string; port: number } })
        .address
      return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
    })
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#servers.map((server) => server.stop()))
  }

  #use(web: WebConfig): void {
    this.#web = web
    this.#auth = new BasicAuth(web.users)
  }

  #readAgain(file: string): void {
    try {
      const web = readWebConfig(file)
      this.#lastProblem = undefined
      if (Bun.deepEquals(web, this.#web)) return
      const isSameTls = Bun.deepEquals(web.tls, this.#web.tls)
      this.#use(web)
      // Bun's reload() does not change TLS.
      if (!isSameTls) this.#listenAgain()
      this.#log.info({ file }, 'the web configuration has changed')
    } catch (error) {
      const problem = (error as Error).message
      if (problem !== this.#lastProblem)
        this.#log.error({ file, problem }, 'the web configuration is wrong; the previous one stays in use')
      this.#lastProblem = problem
    }
  }

  /**
   * Requests in progress are completed; connections in the listen queue are reset. Both steps happen in one turn of the
   * event loop, so that no other process takes the port.
   */
  #listenAgain(): void {
    const ports = this.#servers.map(({ port }) => port!)
    for (const server of this.#servers) void server.stop()
    this.#listen(this.#addresses.map((address, i) => ({ ...address, port: ports[i]! })))
  }

  #listen(addresses: readonly ListenAddress[]): void {
    this.#servers = []
    for (const address of addresses) {
      try {
        this.#servers.push(this.#serve(address))
      } catch (error) {
        for (const server of this.#servers) void server.stop(true)
        throw new CannotListen(address, error as NodeJS.ErrnoException)
      }
    }
  }

  #serve(address: ListenAddress): Bun.Server<undefined> {
    const { tls } = this.#web
    return Bun.serve({
      ...address,
      ...(tls ? { tls } : {}),
      // Bun's default shares a port that another process uses.
      reusePort: false,
      // Development mode would show errors to the client.
      development: false,
      // In seconds. The connection of a scrape is silent until all targets have responded.
      idleTimeout: (2 * MAX_TIMEOUT_MS) / 1000,
      fetch: (request) => this.#respond(request),
      error: (error) => {
        this.#log.error({ err: error }, 'a request failed')
        return new Response('internal error\n', { status: 500 })
      },
    })
  }

  async #respond(request: Request): Promise<Response> {
    const verdict = await this.#auth.check(request.headers.get('Authorization'))
    const response = verdict === 'accepted' ? await this.#handler(request) : REFUSALS[verdict]()
    for (const [name, value] of Object.entries(this.#web.headers)) response.headers.set(name, value)
    return response
  }
}
