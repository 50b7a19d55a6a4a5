/**
 * When and how a worker must drain. It is ordered by the master, by a signal from outside, or by the loss of the master.
 */
import type { ProcessConfig } from '../shared/config.ts'
import type { DrainMessage, WorkerMessage } from '../shared/messages.ts'

export class DrainOrders {
  readonly #drain = Promise.withResolvers<void>()
  readonly #now = Promise.withResolvers<void>()
  lameDuckMs: number
  isReplaced = true

  constructor(config: ProcessConfig) {
    this.lameDuckMs = config.lameDuckMs
    process.on('message', (message: DrainMessage) => {
      this.lameDuckMs = message.lameDuckMs
      this.isReplaced = message.isReplaced
      this.#drain.resolve()
    })
    process.on('disconnect', () => {
      this.lameDuckMs = 0
      this.isReplaced = false
      this.#drain.resolve()
    })
    let count = 0
    process.on('SIGTERM', () => {
      if (++count > 1) this.#now.resolve()
      tellMaster({ type: 'draining' })
      this.#drain.resolve()
    })
  }

  get drain(): Promise<void> {
    return this.#drain.promise
  }

  get now(): Promise<void> {
    return this.#now.promise
  }
}

/** Sends nothing if the master is gone. */
export function tellMaster(message: WorkerMessage): void {
  if (process.connected) process.send!(message)
}
