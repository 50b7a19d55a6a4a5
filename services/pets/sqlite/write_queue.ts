/**
 * Runs statements without blocking the event loop while another process holds the write lock: a statement that finds the
 * file locked waits its turn here, first in, first out, and is refused after a time. SQLite's own `busy_timeout` blocks the
 * event loop, and with it every other request.
 */
import type { Database } from 'bun:sqlite'
import type { Logger } from '@bun-monitoring/prefork'
import { type Awaitable, Unavailable } from '../store/store.ts'
import { Condition } from '../store/condition.ts'
import { isBusy, translated } from './errors.ts'
import { setBusyTimeout } from './file.ts'

/** The time that a statement waits in the queue. */
const WAIT_MS = 1000

/** The interval at which the lock is tried. */
const TRY_EVERY_MS = 2

/** Two workers that write at the same time wait for each other inside SQLite: a write takes less than a millisecond. */
const CONTENTION_MS = 5

interface Waiter {
  statement: () => unknown
  sinceMs: number
  /** The error of the attempt before it waited, if there was one. */
  error?: unknown
  resolve: (value: never) => void
  reject: (error: unknown) => void
}

export class WriteQueue {
  readonly #db: Database
  readonly #waiting: Waiter[] = []
  readonly #locked: Condition
  readonly #unwritable: Condition
  #timer: Timer | undefined

  constructor(db: Database, log: Logger) {
    this.#db = db
    this.#locked = new Condition(
      log,
      'another process holds the lock of the SQLite file: responding 503 to writes until it is released',
      'the lock of the SQLite file is released',
    )
    this.#unwritable = new Condition(
      log,
      'the SQLite file cannot be written: responding 503 to writes until there is space and permission',
      'the SQLite file can be written again',
    )
    setBusyTimeout(db, CONTENTION_MS)
  }

  /** Runs a statement that takes no write lock. It waits only while another process recovers the file. */
  read<T>(statement: () => T): Awaitable<T> {
    try {
      return statement()
    } catch (error) {
      if (isBusy(error)) return this.#wait<T>(statement, error)
      throw translated(error)
    }
  }

  /** @throws Unavailable, or the error of the statement itself. */
  write<T>(statement: () => T): Awaitable<T> {
    if (this.#waiting.length > 0) return this.#wait<T>(statement)
    try {
      const value = statement()
      this.#succeeded()
      return value
    } catch (error) {
      if (isBusy(error)) return this.#wait<T>(statement, error)
      throw this.#refused(error)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const { reject } of this.#waiting.splice(0)) reject(translated(new Error('the database was closed')))
  }

  #wait<T>(statement: () => T, error?: unknown): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.push({ statement, sinceMs: performance.now(), error, resolve, reject })
    // The event loop must not block again before the lock is free.
    if (this.#waiting.length === 1) setBusyTimeout(this.#db, 0)
    this.#timer ??= setTimeout(this.#try, TRY_EVERY_MS)
    return promise
  }

  readonly #try = (): void => {
    this.#timer = undefined
    while (this.#waiting.length > 0 && this.#takeLock()) this.#settle(this.#waiting.shift()!)
    this.#refuseOverdue()
    if (this.#waiting.length === 0) setBusyTimeout(this.#db, CONTENTION_MS)
    else this.#timer = setTimeout(this.#try, TRY_EVERY_MS)
  }

  /** Takes the lock by a transaction of its own: a failure of the statement itself would count as an error in the metrics. */
  #takeLock(): boolean {
    try {
      this.#db.run('BEGIN IMMEDIATE')
      return true
    } catch (error) {
      return !isBusy(error)
    }
  }

  #refuseOverdue(): void {
    const nowMs = performance.now()
    while (this.#waiting.length > 0 && nowMs - this.#waiting[0]!.sinceMs >= WAIT_MS) {
      const waiter = this.#waiting.shift()!
      this.#locked.begin({ err: waiter.error })
      if (waiter.error === undefined) this.#settle(waiter)
      else waiter.reject(translated(waiter.error))
    }
  }

  #settle({ statement, resolve, reject }: Waiter): void {
    try {
      const value = statement()
      if (this.#db.inTransaction) this.#db.run('COMMIT')
      this.#succeeded()
      resolve(value as never)
    } catch (error) {
      if (this.#db.inTransaction) this.#db.run('ROLLBACK')
      reject(this.#refused(error))
    }
  }

  #succeeded(): void {
    this.#locked.end()
    this.#unwritable.end()
  }

  #refused(error: unknown): unknown {
    const thrown = translated(error)
    if (thrown instanceof Unavailable && !isBusy(error)) this.#unwritable.begin({ err: error })
    return thrown
  }
}
