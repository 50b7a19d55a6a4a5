/**
 * One run of a script, in k6's order: set-up, load, tear-down, thresholds, summary. The first reason to end it early decides on
 * the exit code, which is k6's.
 */

import type { Executor, Host } from './users/executors.ts'
import { Thresholds } from './metrics/thresholds.ts'
import type { Log } from './shared/log.ts'
import type { Metrics } from './metrics/metrics.ts'
import { Aborted, type RunFacts } from './modules/k6_modules.ts'
import type { Plan } from './options.ts'
import type { Script } from './script.ts'
import { Unsupported } from './shared/unsupported.ts'
import { Interrupted, VirtualUser } from './users/virtual_user.ts'

/** Exit codes of k6. */
export const EXIT = {
  ok: 0,
  thresholdsCrossed: 99,
  wrongOptions: 104,
  interrupted: 105,
  scriptFailed: 107,
  abortedByScript: 108,
} as const

const LOOK_EVERY_MS = 1000
/** As k6, which looks at thresholds this often. */
const LOOKS_PER_EVALUATION = 2

export interface RunOptions {
  script: Script
  plan: Plan
  metrics: Metrics
  thresholds: Thresholds
  facts: RunFacts
  log: Log
}

export class Run implements Host {
  readonly #options: RunOptions
  readonly #executor: Executor
  readonly #startedMs = performance.now()
  #exitCode: number | undefined
  /** Cuts off what goes on now. */
  #cutOff: () => void = () => {}
  #data: unknown

  constructor(options: RunOptions) {
    this.#options = options
    this.#executor = options.plan.executor
  }

  /** Everything but the summary. @returns the exit code, and whether there was a load to sum up */
  async run(): Promise<{ exitCode: number; wasLoaded: boolean }> {
    const { script, thresholds, log } = this.#options
    const setUp = new VirtualUser()
    this.#cutOff = () => setUp.interrupt()
    this.#data = await this.#attempt(setUp, () => script.setup?.())
    setUp.client.destroy('the set-up is over')
    if (this.#exitCode !== undefined) return { exitCode: this.#exitCode, wasLoaded: false }

    await this.#load()

    this.#cutOff = () => {}
    const tearDown = new VirtualUser()
    await this.#attempt(tearDown, () => script.teardown?.(this.#data))
    tearDown.client.destroy('the tear-down is over')

    thresholds.evaluate(this.#elapsedMs)
    const { crossed } = thresholds
    if (crossed.length > 0 && this.#exitCode === undefined) {
      log('error', `thresholds on metrics '${crossed.join(', ')}' have been crossed`)
      this.#exitCode = EXIT.thresholdsCrossed
    }
    return { exitCode: this.#exitCode ?? EXIT.ok, wasLoaded: true }
  }

  /** Ends the run early; only the first reason counts. */
  end(exitCode: number, message: string): void {
    if (this.#exitCode !== undefined) return
    this.#exitCode = exitCode
    this.#options.log('error', message)
    this.#cutOff()
  }

  /** Ends the run, or logs the error of one iteration. */
  onError(error: unknown): void {
    if (error instanceof Interrupted) return
    const { message, stack } = error as Error
    if (error instanceof Aborted) this.end(EXIT.abortedByScript, message)
    else if (error instanceof Unsupported) this.end(EXIT.scriptFailed, message)
    else this.#options.log('error', stack ?? String(error))
  }

  /** What the function handleSummary of the script gets. */
  summary(): object {
    const { metrics, thresholds, plan } = this.#options
    const elapsedMs = this.#elapsedMs
    const entries = [...metrics.all()].map(([name, { sink }]) => {
      const ofMetric = thresholds.of(name)
      const values = sink.values(plan.options.summaryTrendStats, elapsedMs)
      return [name, ofMetric ? { values, thresholds: ofMetric } : { values }] as const
    })
    return { metrics: Object.fromEntries(entries), state: { testRunDurationMs: elapsedMs } }
  }

  newUser(): VirtualUser {
    return new VirtualUser({ scenario: this.#options.plan.name })
  }

  async iterate(user: VirtualUser): Promise<void> {
    const { script, metrics } = this.#options
    try {
      await user.run(() => script.default(this.#data))
    } catch (error) {
      this.onError(error)
    }
    if (!user.isInterrupted) metrics.add('iterations', 1, metrics.tagSet(user.tags))
    // An iteration that waits for nothing would leave no turn to the clock and to signals.
    if (!user.hasWaited) await new Promise(setImmediate)
  }

  onDropped(): void {
    const { metrics, plan } = this.#options
    metrics.add('dropped_iterations', 1, metrics.tagSet({ scenario: plan.name }))
  }

  async #load(): Promise<void> {
    const { facts, thresholds, metrics } = this.#options
    facts.startTime = Date.now()
    this.#cutOff = () => this.#executor.interrupt()
    let looks = 0
    const look = () => {
      metrics.add('vus', this.#executor.users, metrics.tagSet({}))
      if (++looks % LOOKS_PER_EVALUATION === 0 && thresholds.evaluate(this.#elapsedMs))
        this.end(
          EXIT.thresholdsCrossed,
          `thresholds on metrics '${thresholds.crossed.join(', ')}' were crossed; at least one has abortOnFail enabled, stopping test prematurely`,
        )
    }
    const timer = setInterval(look, LOOK_EVERY_MS)
    await this.#executor.run(this)
    clearInterval(timer)
  }

  /** Set-up or tear-down. An error ends the run. */
  async #attempt(user: VirtualUser, act: () => unknown): Promise<unknown> {
    try {
      return await user.run(act)
    } catch (error) {
      this.onError(error)
      if (!(error instanceof Interrupted)) this.#exitCode ??= EXIT.scriptFailed
      return undefined
    }
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedMs
  }
}
