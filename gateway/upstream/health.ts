/**
 * The health of a target: a pure function of results and of the given time. Failed requests in a row eject the target for
 * a while, longer each time. Failed checks eject it until checks pass. After an ejection its share of requests grows
 * slowly.
 */
import { NEVER } from '../io/context.ts'

/** The states; the values of the label `state` of `gateway_upstream_targets`. */
export const HEALTH_STATES = ['healthy', 'ejected', 'slow_start'] as const
export type HealthState = (typeof HEALTH_STATES)[number]

/** Active checks: how many in a row restore a target, and how many eject it. */
export interface CheckRule {
  passes: number
  fails: number
}

/** Failed requests in a row that eject a target. */
export const EJECT_AFTER = 3
/** The first ejection. Each further one is twice as long, until the target is healthy again. */
export const EJECTION_MS = 1000
const LONGEST_EJECTION_MS = 30_000
export const SLOW_START_MS = 5000
/** The share at the beginning of a slow start. */
const LEAST_WEIGHT = 0.1

export class Health {
  state: HealthState = 'healthy'
  /** Its share of the requests: 1 is a full share (see balance.ts). */
  weight = 1
  #failures = 0
  #ejections = 0
  #passed = 0
  #failed = 0
  /** End of the ejection or of the slow start. */
  #untilMs = NEVER

  constructor(readonly rule: CheckRule | undefined) {}

  /** A request got its response. */
  succeeded(): void {
    this.#failures = 0
  }

  /** A request failed by the target's fault. @param mayEject false if no other target is available */
  failed(nowMs: number, mayEject: boolean): void {
    this.#failures++
    if (this.#failures < EJECT_AFTER || !mayEject || this.state === 'ejected') return
    this.#eject(nowMs + Math.min(EJECTION_MS * 2 ** this.#ejections, LONGEST_EJECTION_MS))
    this.#ejections++
  }

  /** An active check has finished. */
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
    this.advance(nowMs)
  }

  /** Applies the time that has passed. */
  advance(nowMs: number): void {
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
    this.#untilMs = untilMs
  }
}
