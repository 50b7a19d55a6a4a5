/** Clients that list pets through the gateway until they are stopped, and account for every request. */

interface TrafficOptions {
  clients?: number
  /** The services whose pets they list, in turn. */
  kinds?: readonly string[]
  /** One of this many requests is a POST; by default all are GETs. */
  postEvery?: number
  giveUpMs?: number
  /** Whether a client keeps its connection for its next request. */
  keepAlive?: boolean
}

export class Traffic implements AsyncDisposable {
  /** Requests with a successful response. */
  answered = 0
  /** Ids of the pets that were created. */
  readonly created: number[] = []
  /** The errors of the other requests. */
  readonly failures: string[] = []
  /** The longest time in which no client got a response. */
  longestGapMs = 0
  /** The mean until the clients were stopped. */
  answeredPerSecond = 0
  readonly #startedMs = performance.now()
  readonly #giveUpMs: number
  readonly #keepAlive: boolean
  #lastAnswerMs = performance.now()
  #isStopping = false
  readonly #clients: Promise<void>[]

  constructor(
    gateway: string,
    {
      clients = 4,
      kinds = ['dogs', 'cats'],
      postEvery = Infinity,
      giveUpMs = 10_000,
      keepAlive = true,
    }: TrafficOptions = {},
  ) {
    this.#giveUpMs = giveUpMs
    this.#keepAlive = keepAlive
    this.#clients = Array.from({ length: clients }, async (_, client) => {
      for (let turn = client + 1; !this.#isStopping; turn++) {
        const url = `${gateway}/${kinds[turn % kinds.length]}/`
        const method = turn % postEvery === 0 ? 'POST' : 'GET'
        await this.#ask(url, method).catch((error: Error) => this.failures.push(error.message))
        await Bun.sleep(PAUSE_MS)
      }
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#clients)
    this.answeredPerSecond = (1000 * this.answered) / (performance.now() - this.#startedMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #ask(url: string, method: 'GET' | 'POST'): Promise<void> {
    const response = await fetch(url, {
      method,
      keepalive: this.#keepAlive,
      ...(method === 'POST' ? { body: '{"name":"Rex","breed":"Pug"}' } : {}),
      signal: AbortSignal.timeout(this.#giveUpMs),
    })
    const body = await response.text()
    if (!response.ok) throw new Error(`${method}: ${response.status} ${body}`)
    if (method === 'POST') this.created.push((JSON.parse(body) as { id: number }).id)
    this.answered++
    const nowMs = performance.now()
    this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastAnswerMs)
    this.#lastAnswerMs = nowMs
  }
}

const PAUSE_MS = 25
