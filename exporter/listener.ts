/**
 * The socket that the exporter listens on: plain or TLS, with or without passwords, as the web configuration says, which
 * is read again when it changes. A connection that is open keeps the certificate it was made with.
 */
import { BasicAuth } from './auth.ts'
import type { Logger } from './log.ts'
import { MAX_TIMEOUT_MS } from './scrape.ts'
import type { ListenAddress } from './settings.ts'
import { PLAIN, readWebConfig, type WebConfig } from './web_config.ts'

export type Handler = (request: Request) => Response | Promise<Response>

/** Certificates are replaced by whoever renews them, without a word to us. */
const LOOK_AGAIN_AFTER_MS = 1000

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
   * @throws {WebConfigError} where its file is wrong.
   * @throws the system's error, with its code, where the address cannot be had.
   */
  constructor(address: ListenAddress, webConfigFile: string | undefined, handler: Handler, log: Logger) {
    this.#address = address
    this.#handler = handler
    this.#log = log
    if (webConfigFile !== undefined) this.#use(readWebConfig(webConfigFile))
    this.#server = this.#listen()
    if (webConfigFile !== undefined)
      this.#timer = setInterval(() => this.#readAgain(webConfigFile), LOOK_AGAIN_AFTER_MS)
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
      // Bun's reload() leaves TLS as it is.
      if (!isSameTls) this.#listenAnew()
      this.#log.info({ file }, 'the web configuration has changed')
    } catch (error) {
      const problem = (error as Error).message
      if (problem !== this.#lastProblem)
        this.#log.error({ file, problem }, 'the web configuration cannot be used; the one before stays')
      this.#lastProblem = problem
    }
  }

  /**
   * What is being answered is answered; a connection that nobody has accepted yet is reset, and its scraper comes again.
   * In one turn, so that nobody else gets the port.
   */
  #listenAnew(): void {
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
      // Left out, Bun shares a port that is taken.
      reusePort: false,
      // Errors are logged, not shown: see `error`.
      development: false,
      // Seconds; a scrape is silent until its last target has answered.
      idleTimeout: (2 * MAX_TIMEOUT_MS) / 1000,
      fetch: (request) => this.#answer(request),
      error: (error) => {
        this.#log.error({ err: error }, 'a request failed')
        return new Response('internal error\n', { status: 500 })
      },
    })
  }

  async #answer(request: Request): Promise<Response> {
    const response = (await this.#auth.mayPass(request.headers.get('Authorization')))
      ? await this.#handler(request)
      : new Response('a user and a password are needed\n', {
          status: 401,
          headers: { 'WWW-Authenticate': 'Basic realm="exporter", charset="UTF-8"' },
        })
    for (const [name, value] of Object.entries(this.#web.headers)) response.headers.set(name, value)
    return response
  }
}
