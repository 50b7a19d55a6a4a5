/**
 * The listening socket: plain or TLS, with or without passwords, as the file of `--web.config.file` says. The file is read
 * again every second; an open connection keeps its certificate.
 */
import type { Logger } from '../config/log.ts'
import type { ListenAddress } from '../config/settings.ts'
import { PLAIN, readWebConfig, type WebConfig } from '../config/web_config.ts'
import { MAX_TIMEOUT_MS } from '../stats/scrape.ts'
import { BasicAuth } from './auth.ts'

export type Handler = (request: Request) => Response | Promise<Response>

/** Programs that renew certificates do not signal this process, so it looks for changes. */
const READ_AGAIN_AFTER_MS = 1000

export class Listener {
  readonly #address: ListenAddress
  readonly #handler: Handler
  readonly #log: Logger
  #web: WebConfig = PLAIN
  #auth = new BasicAuth(PLAIN.users)
  #server: Bun.Server<undefined>
  #timer: Timer | undefined
  #lastProblem: string | undefined

  /**
   * @throws {WebConfigError} if the file is wrong.
   * @throws the system's error, with its code, if it cannot listen on the address.
   */
  constructor(address: ListenAddress, webConfigFile: string | undefined, handler: Handler, log: Logger) {
    this.#address = address
    this.#handler = handler
    this.#log = log
    if (webConfigFile !== undefined) this.#use(readWebConfig(webConfigFile))
    this.#server = this.#listen()
    if (webConfigFile !== undefined)
      this.#timer = setInterval(() => this.#readAgain(webConfigFile), READ_AGAIN_AFTER_MS)
  }

  get port(): number {
    return this.#server.port!
  }

  get isTls(): boolean {
    return this.#web.tls !== undefined
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#server.stop()
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
    const { port } = this
    void this.#server.stop()
    this.#server = this.#listen(port)
  }

  #listen(port = this.#address.port): Bun.Server<undefined> {
    const { tls } = this.#web
    return Bun.serve({
      ...this.#address,
      port,
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
    const response = (await this.#auth.mayPass(request.headers.get('Authorization')))
      ? await this.#handler(request)
      : new Response('user and password required\n', {
          status: 401,
          headers: { 'WWW-Authenticate': 'Basic realm="exporter", charset="UTF-8"' },
        })
    for (const [name, value] of Object.entries(this.#web.headers)) response.headers.set(name, value)
    return response
  }
}
