/**
 * A pool of connections to PostgreSQL. A statement has a connection for itself, waits for it a bounded time, and is refused
 * at once while the database is away. Bun's own pool has no metrics, no limit of the wait, and puts several statements on one
 * connection (a statement then costs half; bench/stores.bench.ts measures the cost with this pool).
 */
import type { SQL } from 'bun'
import type { PoolMetrics } from '@bun-monitoring/metrics/postgres'
import type { Logger } from '@bun-monitoring/prefork'
import { Unavailable } from '../store/store.ts'
import { codeOf, isReadOnly, translated } from './errors.ts'
import type { Connected } from './target.ts'

export interface PoolOptions {
  size: number
  /** The time that a statement waits for a connection. */
  waitMs: number
  /** The time that a statement may take. The server has the same limit; this one serves when the server hangs. */
  statementMs: number
  /** The pause between attempts to connect to an absent database. Default 250 ms. */
  retryEveryMs?: number
  /** Opens a connection to a server that takes writes. */
  connect: (onClose: (sql: SQL) => void) => Promise<Connected>
  metrics: PoolMetrics
  log: Logger
}

/** The result of a statement; `count` is the number of rows returned or changed. */
export type Rows<Row> = Row[] & { count: number }

interface Connection extends Connected {
  /** `performance.now()`; 0 while it is idle. */
  usedSinceMs: number
  isOverdue: boolean
  /** It is dropped after its statement. */
  isObsolete: boolean
}

interface Waiter {
  sinceMs: number
  resolve: (connection: Connection) => void
  reject: (error: Unavailable) => void
}

/** The interval at which all deadlines are checked: cheaper than a timer for each. */
const SWEEP_EVERY_MS = 100

/** The time by which the server's own statement timeout may be late before the connection is dropped. */
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
  /** The error of the last attempt, while there is no connection. */
  #away: unknown
  #isClosed = false
  #losses = 0

  constructor(options: PoolOptions) {
    this.#options = options
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), SWEEP_EVERY_MS)
    this.#sweeper.unref()
  }

  /** The number of connections lost so far. After a loss, another server may respond, or the same one restored from a backup. */
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
      if (isReadOnly(error)) this.leaveServer()
      throw translated(error)
    } finally {
      if (connection.isObsolete) this.#lose(connection)
      else if (this.#open.has(connection)) this.#give(connection)
    }
  }

  #retire(connection: Connection): void {
    if (connection.usedSinceMs === 0) this.#lose(connection)
    else connection.isObsolete = true
  }

  /** Drops every connection: the server was switched to standby, and they lead to it. */
  leaveServer(): void {
    for (const connection of this.#open) this.#lose(connection)
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

  /** Passes a free connection to the first waiting statement, else to the idle ones. */
  #give(connection: Connection): void {
    connection.usedSinceMs = 0
    connection.isOverdue = false
    const waiter = this.#waiting.shift()
    if (waiter) {
      this.#options.metrics.wait.observe((performance.now() - waiter.sinceMs) / 1000)
      connection.usedSinceMs = performance.now()
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
    const closed = new Set<SQL>()
    let connection: Connection | undefined
    let connected: Connected
    try {
      connected = await this.#options.connect((each) => {
        closed.add(each)
        if (connection) this.#lose(connection)
      })
      if (closed.has(connected.sql)) throw new Error('the server closed the connection at once')
    } catch (error) {
      this.#opening--
      return this.#failed(error)
    }
    this.#opening--
    if (this.#isClosed) return void connected.sql.close({ timeout: 0 })
    connection = { ...connected, usedSinceMs: 0, isOverdue: false, isObsolete: false }
    // The address leads to another server now: the older connections would show old rows.
    for (const other of this.#open) if (other.server !== connection.server) this.#retire(other)
    this.#open.add(connection)
    if (this.#away !== undefined) this.#options.log.info('the database is back')
    this.#away = undefined
    this.#give(connection)
  }

  /** Handles a failed attempt: open connections go on; if there are none, statements are refused until one is open. */
  #failed(error: unknown): void {
    if (this.#isClosed) return
    if (this.#open.size === 0) {
      if (this.#away === undefined) {
        this.#options.log.warn({ err: error }, 'the database is away: responding 503 until it is back')
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

  /** Drops a connection that the server ended or that hangs. */
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
    // Otherwise Bun reopens it. Its pending statement is rejected.
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
      // Only at the second check: after a blocked event loop the result may have arrived unread.
      if (connection.isOverdue) {
        this.#lose(connection)
        // The idle connections may hang as well, which only a statement would show.
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
