/**
 * When and how a worker must drain. It is ordered by the master, by a signal from outside, or by the loss of the master.
 */
import type { ProcessConfig } from '../shared/config.ts'
import type { DrainMessage, WorkerMessage } from '../shared/messages.ts'

export class DrainOrders {
  readonly #drain = Promise.withResolvers<void>()
  readonly #replaced = Promise.withResolvers<void>()
  readonly #hurry = Promise.withResolvers<void>()
  readonly #now = Promise.withResolvers<void>()
  #isDraining = false
  lameDuckMs: number
  /** Whether another worker serves, or will serve, in the place of this one. */
  hasSuccessor = true

  /** @param source of the messages and signals; tests pass their own. */
  constructor(config: Pick<ProcessConfig, 'lameDuckMs'>, source: NodeJS.EventEmitter = process) {
    this.lameDuckMs = config.lameDuckMs
    source.on('message', (message: DrainMessage) => {
      if (!this.#isDraining) this.#begin(message)
      else if (message.isReplaced) this.#replaced.resolve()
      else this.#hurry.resolve()
    })
    source.on('disconnect', () => {
      if (this.#isDraining) this.#hurry.resolve()
      else this.#begin({ lameDuckMs: 0, isReplaced: false })
    })
    let count = 0
    source.on('SIGTERM', () => {
      if (++count > 1) this.#now.resolve()
      tellMaster({ type: 'draining' })
      this.#begin({ lameDuckMs: config.lameDuckMs, isReplaced: undefined })
    })
  }

  #begin({ lameDuckMs, isReplaced }: { lameDuckMs: number; isReplaced: boolean | undefined }): void {
    if (this.#isDraining) return
    this.#isDraining = true
    this.lameDuckMs = lameDuckMs
    if (isReplaced === true) this.#replaced.resolve()
    this.hasSuccessor = isReplaced !== false
    this.#drain.resolve()
  }

  /** Resolves when the worker must drain. `lameDuckMs` says how long it is a lame duck. */
  get drain(): Promise<void> {
    return this.#drain.promise
  }

  /** Resolves when another worker serves in the place of this one. */
  get replaced(): Promise<void> {
    return this.#replaced.promise
  }

  /** Resolves when the drain must wait for nothing but requests in flight. */
  get hurry(): Promise<void> {
    return this.#hurry.promise
  }

  /** Resolves when the worker must end without waiting any longer. */
  get now(): Promise<void> {
    return this.#now.promise
  }
}

/** Sends nothing if the master is gone. */
export function tellMaster(message: WorkerMessage): void {
  if (process.connected) process.send!(message)
}
