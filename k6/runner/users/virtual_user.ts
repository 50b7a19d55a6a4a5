/**
 * One virtual user: its connections, its tags, and the call that it waits for. Users share one thread, so AsyncLocalStorage says
 * which of them calls a function of k6.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { HttpClient } from '../http/client.ts'
import { Unsupported } from '../shared/unsupported.ts'

/** The iteration is cut off: its time is over, or the run is. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}

const callers = new AsyncLocalStorage<VirtualUser>()

/** The user whose code runs. @throws Unsupported in code that belongs to none, such as that of the module itself */
export function currentUser(what: string): VirtualUser {
  const user = callers.getStore()
  if (user === undefined) throw new Unsupported(`${what} outside of setup, iterations and teardown`)
  return user
}

export class VirtualUser {
  readonly client = new HttpClient()
  /** `exec.vu.metrics.tags`: of every sample of this user. */
  readonly tags: Record<string, string>
  /** Rejects the call that the user waits for. */
  #interrupt: ((reason: Interrupted) => void) | undefined
  isInterrupted = false
  /** Whether it has made a call of k6 since {@link run}. Code without any leaves no turn to other users. */
  hasWaited = false

  constructor(tags: Record<string, string> = {}) {
    this.tags = tags
  }

  /** Runs a function of the script as this user. @throws what it throws, and Unsupported when a call was not awaited */
  async run<T>(act: () => T | Promise<T>): Promise<T> {
    this.hasWaited = false
    const result = await callers.run(this, async () => act())
    if (this.#interrupt) {
      this.interrupt()
      throw new Unsupported(
        'calls that are not awaited (write "await http.request(...)", "await sleep(...)")',
      )
    }
    return result
  }

  /** Makes a call of k6 and waits for its end; an interrupt cuts it off. @throws Unsupported when another one goes on */
  async wait<T>(what: string, call: () => Promise<T>): Promise<T> {
    if (this.isInterrupted) throw new Interrupted(`${what} after the end`)
    if (this.#interrupt) throw new Unsupported(`${what} while another call of the same user goes on`)
    this.hasWaited = true
    const interrupted = new Promise<never>((_, reject) => (this.#interrupt = reject))
    try {
      return await Promise.race([call(), interrupted])
    } finally {
      this.#interrupt = undefined
    }
  }

  /** Cuts off the iteration, now and for good. */
  interrupt(): void {
    this.isInterrupted = true
    this.#interrupt?.(new Interrupted('the iteration was cut off'))
    this.client.destroy('the iteration was cut off')
  }
}
