/** A few clients that list dogs and cats until they are stopped, whatever becomes of their requests; it is remembered. */
export class Traffic implements AsyncDisposable {
  /** What was not answered 200: the status, or why there was no answer. */
  readonly failures: (number | string)[] = []
  readonly #clients: Promise<void>[]
  #isStopping = false

  constructor(gateway: string, giveUpMs = 1000) {
    this.#clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let turn = client; !this.#isStopping; turn++) {
        const url = `${gateway}/${turn % 2 === 0 ? 'dogs' : 'cats'}/`
        const result = await fetch(url, { signal: AbortSignal.timeout(giveUpMs) })
          .then((response) => response.arrayBuffer().then(() => response.status))
          .catch((error: Error) => error.message)
        if (result !== 200) this.failures.push(result)
        await Bun.sleep(PAUSE_MS)
      }
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#clients)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

const CLIENTS = 4
const PAUSE_MS = 25
