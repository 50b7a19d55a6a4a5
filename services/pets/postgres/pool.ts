/**
 * A pool of connections to PostgreSQL: a statement has one for itself, waits for it a bounded time, and is refused at once
 * while the database is away. Bun has a pool of its own, which tells nothing of itself, lets a statement wait for as long as it
 * takes, and puts several on one connection (then a statement costs half; see bench/stores.bench.ts for what ours costs).
 */
import type { SQL } from 'bun'
import type { PoolMetrics } from '@bun-monitoring/metrics/postgres'
import type { Logger } from '@bun-monitoring/prefork'
import { Unavailable } from '../store.ts'
import { codeOf, translated } from './errors.ts'

export interface PoolOptions {
  size: number
  /** How long a statement waits for a connection. */
  waitMs: number
  /** How long it then takes at most; the server has the same limit, and this one is for a server that is silent. */
  statementMs: number
  /** How often an absent database is tried. Default 250 ms. */
  retryEveryMs?: number
  connect: (onClose: () => void) => SQL
  metrics: PoolMetrics
  log: Logger
}

/** What a statement gave; `count` is of rows, those that it changed included. */
export type Rows<Row> = Row[] & { count: number }

interface Connection {
  sql: SQL
  /** `performance.now()`; 0 while it is idle. */
  usedSinceMs: number
  isOverdue: boolean
}

interface Waiter {
  sinceMs: number
  resolve: (connection: Connection) => void
  reject: (error: Unavailable) => void
}

/** Deadlines are looked at so often, not watched by a timer each. */
const SWEEP_EVERY_MS = 100

/** What the server's own statement timeout may be late before the connection is given up. */
const GRACE_MS = 500

const RETRY_EVERY_MS = 250

export class Pool {
  readonly #options: PoolOptions
  readonly #open = new Set<Connection>()
  readonly #idle: Connection[] = []
  readonly #waiting: Waiter[] = []
  readonly #sweeper: Timer
  #opening = 0
  #retry: Timer | undefined
  /** Why there is no connection, once one could not be made. */
  #away: unknown
  #isClosed = false
  #losses = 0

  constructor(options: PoolOptions) {
    this.#options = options
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), SWEEP_EVERY_MS)
    this.#sweeper.unref()
  }

  /** How many connections broke so far. After one, another server may answer, or another past of the same. */
  get losses(): number {
    return this.#losses
  }

  /** @throws Unavailable, or the error of the statement itself. */
  async run<Row>(text: string, params: readonly unknown[]): Promise<Rows<Row>> {
    let connection = this.#idle.pop()
    if (connection) this.#options.metrics.wait.observe(0)
    else connection = await this.#wait()
    connection.usedSinceMs = performance.now()
    this.#publish()
    try {
      return (await connection.sql.unsafe(text, params as unknown[])) as Rows<Row>
    } catch (error) {
      throw translated(error)
    } finally {
      if (this.#open.has(connection)) this.#give(connection)
    }
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeper)
    clearTimeout(this.#retry)
    this.#away = new Error('the pool is closed')
    this.#refuse(this.#away)
    for (const connection of this.#open) this.#drop(connection)
  }

  #wait(): Promise<Connection> {
    if (this.#away !== undefined) throw away(this.#away)
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    this.#waiting.push({ sinceMs: performance.now(), resolve, reject })
    this.#grow()
    return promise
  }

  /** A connection is free. */
  #give(connection: Connection): void {
    connection.usedSinceMs = 0
    connection.isOverdue = false
    const waiter = this.#waiting.shift()
    if (waiter) {
      this.#options.metrics.wait.observe((performance.now() - waiter.sinceMs) / 1000)
      waiter.resolve(connection)
    } else this.#idle.push(connection)
    this.#publish()
  }

  #grow(): void {
    const { size } = this.#options
    const isWanted = this.#waiting.length > this.#opening && this.#open.size + this.#opening < size
    if (isWanted && this.#retry === undefined) void this.#connect()
  }

  async #connect(): Promise<void> {
    this.#opening++
    let connection: Connection
    try {
      const sql = this.#options.connect(() => this.#lose(connection))
      connection = { sql, usedSinceMs: 0, isOverdue: false }
      await sql.connect()
    } catch (error) {
      this.#opening--
      return this.#failed(error)
    }
    this.#opening--
    if (this.#isClosed) return void connection.sql.close({ timeout: 0 })
    this.#open.add(connection)
    if (this.#away !== undefined) this.#options.log.info('the database is back')
    this.#away = undefined
    this.#give(connection)
  }

  /** No connection could be made. Those that there are go on; without any, everybody is refused until there is one. */
  #failed(error: unknown): void {
    if (this.#isClosed) return
    if (this.#open.size === 0) {
      if (this.#away === undefined) {
        this.#options.log.warn({ err: error }, 'the database is away: answering 503 until it is back')
      }
      this.#away = error
      this.#refuse(error)
    }
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      if (this.#open.size === 0 || this.#waiting.length > 0) void this.#connect()
    }, this.#options.retryEveryMs ?? RETRY_EVERY_MS)
  }

  #refuse(cause: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(away(cause))
  }

  /** A connection ended without us, or must. */
  #lose(connection: Connection): void {
    if (!this.#open.has(connection)) return
    this.#losses++
    this.#drop(connection)
    this.#grow()
  }

  #drop(connection: Connection): void {
    this.#open.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
    this.#publish()
    // Else Bun would make it anew. What it was asked is rejected.
    void connection.sql.close({ timeout: 0 })
  }

  #sweep(nowMs: number): void {
    const { waitMs, statementMs, metrics } = this.#options
    while (this.#waiting.length > 0 && nowMs - this.#waiting[0]!.sinceMs > waitMs) {
      metrics.timeouts.inc()
      this.#waiting
        .shift()!
        .reject(
          new Unavailable(
            `No connection to the database was free within ${waitMs} ms: nothing was changed, try again`,
            'POOL_TIMEOUT',
          ),
        )
    }
    for (const connection of this.#open) {
      if (connection.usedSinceMs === 0 || nowMs - connection.usedSinceMs < statementMs + GRACE_MS) continue
      // At the second look: after a blocked event loop the answer may be there, unread.
      if (connection.isOverdue) {
        this.#lose(connection)
        // They may be as dead, and nobody would know before asking.
        for (const other of this.#idle.slice()) this.#lose(other)
      } else connection.isOverdue = true
    }
  }

  #publish(): void {
    const { idle, used } = this.#options.metrics
    idle.set(this.#idle.length)
    used.set(this.#open.size - this.#idle.length)
  }
}

const away = (cause: unknown): Unavailable =>
  new Unavailable('The database is away: nothing was changed, try again', codeOf(cause), cause)
