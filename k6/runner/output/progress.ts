/** How the run goes on, for people: on a terminal one line that moves, else a line every ten seconds. */

import { clockOf } from '../shared/duration.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { Trend } from '../metrics/sinks.ts'

const TERMINAL_EVERY_MS = 1000
const LINES_EVERY_MS = 10_000

interface Facts {
  name: string
  durationMs: number
  users(): number
}

export class Progress implements Disposable {
  readonly #facts: Facts
  readonly #write: (text: string) => void
  readonly #isTerminal: boolean
  readonly #startedMs = performance.now()
  readonly #timer: Timer
  /** Since the last line. */
  readonly #durations = new Trend()
  #requests = 0
  #failed = 0
  #lastMs = this.#startedMs

  constructor(metrics: Metrics, facts: Facts, write: (text: string) => void, isTerminal: boolean) {
    this.#facts = facts
    this.#write = write
    this.#isTerminal = isTerminal
    metrics.listen(({ metric, value }) => {
      if (metric === 'http_req_duration') this.#durations.add(value)
      else if (metric === 'http_reqs') this.#requests += value
      else if (metric === 'http_req_failed') this.#failed += value
    })
    this.#timer = setInterval(() => this.#print(), isTerminal ? TERMINAL_EVERY_MS : LINES_EVERY_MS)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    if (this.#isTerminal) this.#write('\r\u001B[K')
  }

  #print(): void {
    const { name, durationMs, users } = this.#facts
    const nowMs = performance.now()
    const perSecond = (1000 * this.#requests) / (nowMs - this.#lastMs)
    const failed = this.#requests === 0 ? 0 : (100 * this.#failed) / this.#requests
    const line = [
      `${name} ${clockOf(nowMs - this.#startedMs)} of ${clockOf(durationMs)}`,
      `${users()} users`,
      `${perSecond.toFixed(0)} requests/s`,
      `p95 ${this.#durations.value('p(95)').toFixed(1)} ms`,
      `failed ${failed.toFixed(2)} %`,
    ].join(', ')
    this.#write(this.#isTerminal ? `\r\u001B[K${line}` : `${line}\n`)
    this.#requests = this.#failed = 0
    this.#durations.reset()
    this.#lastMs = nowMs
  }
}
