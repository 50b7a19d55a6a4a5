/**
 * How a target is: a pure function of what happened to it and of the time that it is told. Requests that fail in a row
 * eject it for a while, longer each time; so do checks, until they pass. Whoever comes back starts slowly.
 */
import { NEVER } from './limits.ts'

/** The states, as metrics name them. */
export const HEALTH_STATES = ['healthy', 'ejected', 'slow_start'] as const
export type HealthState = (typeof HEALTH_STATES)[number]

/** Active checks: how many in a row bring a target back, and take it out. */
export interface CheckRule {
  passes: number
  fails: number
}

/** So many requests in a row without an answer eject a target. */
export const EJECT_AFTER = 3
/** The first ejection; each one after it, until the target was healthy again, is twice as long. */
export const EJECTION_MS = 1000
const LONGEST_EJECTION_MS = 30_000
export const SLOW_START_MS = 5000
/** The share of a target that has just come back. */
const LEAST_WEIGHT = 0.1

export class Health {
  state: HealthState = 'healthy'
  /** Its share of the requests, for balance.ts. */
  weight = 1
  #failures = 0
  #ejections = 0
  #passed = 0
  #failed = 0
  /** Of the ejection's end, or of the slow start's. */
  #untilMs = NEVER

  constructor(readonly rule: CheckRule | undefined) {}

  /** An answer came. */
  succeeded(): void {
    this.#failures = 0
  }

  /** A request got no answer, and it was not the client's fault. `mayEject` is false for the last of its upstream. */
  failed(nowMs: number, mayEject: boolean): void {
    this.#failures++
    if (this.#failures < EJECT_AFTER || !mayEject || this.state === 'ejected') return
    this.#eject(nowMs + Math.min(EJECTION_MS * 2 ** this.#ejections, LONGEST_EJECTION_MS))
    this.#ejections++
  }

  /** What an active check found. */
  checked(isGood: boolean, nowMs: number, mayEject: boolean): void {
    const { passes, fails } = this.rule!
    this.#passed = isGood ? this.#passed + 1 : 0
    this.#failed = isGood ? 0 : this.#failed + 1
    if (this.state !== 'ejected') {
      if (this.#failed >= fails && mayEject) this.#eject(NEVER)
    } else if (this.#failed >= fails) this.#untilMs = NEVER
    else if (this.#passed >= passes && this.#untilMs === NEVER) this.startSlowly(nowMs)
  }

  startSlowly(nowMs: number): void {
    this.state = 'slow_start'
    this.#failures = 0
    this.#untilMs = nowMs + SLOW_START_MS
    this.turn(nowMs)
  }

  /** Lets time pass. */
  turn(nowMs: number): void {
    if (this.state === 'healthy') return
    const isOver = nowMs >= this.#untilMs
    if (this.state === 'slow_start') {
      this.weight = Math.max(LEAST_WEIGHT, 1 - (this.#untilMs - nowMs) / SLOW_START_MS)
      if (!isOver) return
      this.state = 'healthy'
      this.weight = 1
      this.#ejections = 0
    } else if (isOver) this.startSlowly(nowMs)
  }

  #eject(untilMs: number): void {
    this.state = 'ejected'
    this.weight = 0
    this.#passed = 0
    this.#untilMs = untilMs
  }
}
