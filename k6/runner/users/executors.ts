/**
 * How iterations are started. Closed: users who iterate without a break, more or fewer of them with time. Open: iterations that
 * arrive on a clock, each done by a user who is free. Only this file decides on the number of users.
 */

import type { Ramp } from './stages.ts'
import { VirtualUser } from './virtual_user.ts'

/** What an executor needs of the run. */
export interface Host {
  newUser(): VirtualUser
  /** One iteration of a user. It never rejects. */
  iterate(user: VirtualUser): Promise<void>
  /** An iteration was due and no user was free. */
  onDropped(): void
}

export interface Executor {
  readonly durationMs: number
  /** Virtual users that exist now. */
  readonly users: number
  /** Resolves when the last iteration is over. */
  run(host: Host): Promise<void>
  /** Starts nothing more and cuts off the iterations that go on. */
  interrupt(): void
}

/** The time since a start, and waits for a moment of it that can be ended early. */
class Clock {
  #startedMs = 0
  #wake: (() => void) | undefined
  isOver = false

  get elapsedMs(): number {
    return performance.now() - this.#startedMs
  }

  start(): void {
    this.#startedMs = performance.now()
  }

  async until(ms: number): Promise<void> {
    if (this.isOver) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, ms - this.elapsedMs))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  end(): void {
    this.isOver = true
    this.#wake?.()
  }
}

export interface ClosedOptions {
  /** How many users there are. */
  users: Ramp
  /** How long an iteration may go on after its user is no longer wanted, and at the end. */
  gracefulRampDownMs: number
  gracefulStopMs: number
}

interface Place {
  user: VirtualUser
  /** Cuts off the iteration of a user that is no longer wanted. */
  timer?: Timer | undefined
}

/** k6's `constant-vus` and `ramping-vus`. */
export class ClosedLoad implements Executor {
  readonly #options: ClosedOptions
  readonly #clock = new Clock()
  readonly #places = new Map<number, Place>()
  readonly #loops = new Set<Promise<void>>()
  #wanted = 0

  constructor(options: ClosedOptions) {
    this.#options = options
  }

  get durationMs(): number {
    return this.#options.users.durationMs
  }

  get users(): number {
    return this.#places.size
  }

  async run(host: Host): Promise<void> {
    const { users, gracefulRampDownMs, gracefulStopMs } = this.#options
    this.#clock.start()
    for (const { atMs, count } of users.steps()) {
      if (atMs > 0) await this.#clock.until(atMs)
      if (this.#clock.isOver) break
      this.#want(count, gracefulRampDownMs, host)
    }
    await this.#clock.until(this.durationMs)
    this.#want(0, gracefulStopMs, host)
    await Promise.all(this.#loops)
  }

  interrupt(): void {
    this.#clock.end()
    this.#wanted = 0
    for (const { user } of this.#places.values()) user.interrupt()
  }

  #want(count: number, graceMs: number, host: Host): void {
    this.#wanted = this.#clock.isOver ? 0 : count
    for (const [place, held] of this.#places) {
      if (place < this.#wanted) {
        clearTimeout(held.timer)
        held.timer = undefined
      } else held.timer ??= setTimeout(() => held.user.interrupt(), graceMs)
    }
    for (let place = 0; place < this.#wanted; place++) {
      if (this.#places.has(place)) continue
      const loop = this.#loop(place, host)
      this.#loops.add(loop)
      void loop.then(() => this.#loops.delete(loop))
    }
  }

  async #loop(place: number, host: Host): Promise<void> {
    const held: Place = { user: host.newUser() }
    this.#places.set(place, held)
    while (place < this.#wanted) {
      await host.iterate(held.user)
      // A user that was cut off and is wanted again is a new one.
      if (held.user.isInterrupted) held.user = host.newUser()
    }
    clearTimeout(held.timer)
    held.user.client.destroy('the user is gone')
    this.#places.delete(place)
  }
}

export interface OpenOptions {
  /** Iterations that arrive in each time unit. */
  rate: Ramp
  timeUnitMs: number
  preAllocatedUsers: number
  maxUsers: number
  gracefulStopMs: number
}

/** The longest break between two looks at the clock. */
const LONGEST_BREAK_MS = 10

/** k6's `constant-arrival-rate` and `ramping-arrival-rate`. */
export class OpenLoad implements Executor {
  readonly #options: OpenOptions
  readonly #clock = new Clock()
  readonly #all: VirtualUser[] = []
  readonly #idle: VirtualUser[] = []
  readonly #iterations = new Set<Promise<void>>()

  constructor(options: OpenOptions) {
    this.#options = options
  }

  get durationMs(): number {
    return this.#options.rate.durationMs
  }

  get users(): number {
    return this.#all.length
  }

  async run(host: Host): Promise<void> {
    const { rate, timeUnitMs, preAllocatedUsers, gracefulStopMs } = this.#options
    while (this.#all.length < preAllocatedUsers) this.#allocate(host)
    this.#clock.start()
    let started = 0
    while (!this.#clock.isOver) {
      const elapsedMs = Math.min(this.#clock.elapsedMs, this.durationMs)
      const due = Math.floor(rate.areaUntil(elapsedMs) / timeUnitMs)
      for (; started < due; started++) this.#start(host)
      if (elapsedMs === this.durationMs) break
      const inTenMs = rate.areaUntil(elapsedMs + LONGEST_BREAK_MS) - rate.areaUntil(elapsedMs)
      const betweenMs = (LONGEST_BREAK_MS * timeUnitMs) / Math.max(inTenMs, 1)
      await this.#clock.until(elapsedMs + Math.min(LONGEST_BREAK_MS, Math.max(1, betweenMs)))
    }
    const timer = setTimeout(() => this.#cutOff(), gracefulStopMs)
    await Promise.all(this.#iterations)
    clearTimeout(timer)
    for (const user of this.#all) user.client.destroy('the user is gone')
  }

  interrupt(): void {
    this.#clock.end()
    this.#cutOff()
  }

  #cutOff(): void {
    for (const user of this.#all) user.interrupt()
  }

  /** As k6, the iteration for which no user is free is dropped, and the next one may have a new user. */
  #start(host: Host): void {
    const user = this.#idle.pop()
    if (user === undefined) {
      host.onDropped()
      if (this.#all.length < this.#options.maxUsers) this.#allocate(host)
      return
    }
    const iteration = host.iterate(user)
    this.#iterations.add(iteration)
    void iteration.then(() => {
      this.#iterations.delete(iteration)
      this.#idle.push(user)
    })
  }

  #allocate(host: Host): void {
    const user = host.newUser()
    this.#all.push(user)
    this.#idle.push(user)
  }
}
