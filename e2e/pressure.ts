/** Clients that ask for dogs without a pause worth the name, until they are stopped, and account for every request. */

interface PressureOptions {
  clients?: number
  /** Of so many requests one is a POST; without it all are GETs. */
  postEvery?: number
}

export class Pressure {
  /** Requests that were answered as they should be. */
  answered = 0
  /** Ids of all that was stored. */
  readonly created: number[] = []
  /** What became of the others. */
  readonly failures: string[] = []
  /** The longest time in which nobody got an answer. */
  longestGapMs = 0
  /** Until it was stopped. */
  answeredPerSecond = 0
  readonly #startedMs = performance.now()
  #lastAnswerMs = performance.now()
  #isStopping = false
  readonly #clients: Promise<void>[]

  constructor(
    readonly gateway: string,
    { clients = 8, postEvery = Number.POSITIVE_INFINITY }: PressureOptions = {},
  ) {
    this.#clients = Array.from({ length: clients }, async (_, client) => {
      for (let turn = client + 1; !this.#isStopping; turn++) {
        await this.#ask(turn % postEvery === 0 ? 'POST' : 'GET').catch((error: Error) =>
          this.failures.push(error.message),
        )
        await Bun.sleep(PAUSE_MS)
      }
    })
  }

  async stop(): Promise<this> {
    this.#isStopping = true
    await Promise.all(this.#clients)
    this.answeredPerSecond = (1000 * this.answered) / (performance.now() - this.#startedMs)
    return this
  }

  async #ask(method: 'GET' | 'POST'): Promise<void> {
    const response = await fetch(`${this.gateway}/dogs/`, {
      method,
      ...(method === 'POST' ? { body: '{"name":"Rex","breed":"Pug"}' } : {}),
      signal: AbortSignal.timeout(GIVE_UP_MS),
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

const PAUSE_MS = 10
const GIVE_UP_MS = 10_000
