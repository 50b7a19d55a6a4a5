/** A few clients that list dogs and cats until they are stopped, whatever becomes of their requests. */
export class Traffic {
  readonly #clients: Promise<void>[]
  #isStopping = false

  constructor(gateway: string, clients = 4) {
    this.#clients = Array.from({ length: clients }, async (_, client) => {
      for (let turn = client; !this.#isStopping; turn++) {
        const url = `${gateway}/${turn % 2 === 0 ? 'dogs' : 'cats'}/`
        await fetch(url, { signal: AbortSignal.timeout(GIVE_UP_MS) })
          .then((response) => response.arrayBuffer())
          .catch(() => undefined)
        await Bun.sleep(PAUSE_MS)
      }
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#clients)
  }
}

const GIVE_UP_MS = 1000
const PAUSE_MS = 25
