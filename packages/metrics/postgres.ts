/**
 * Measures what a PostgreSQL database is asked, and the pool of connections to it: the names are OpenTelemetry's. A statement's
 * time holds its wait for a connection, as SQLite's holds that for the lock; the wait alone has a family of its own.
 */
import { Counter } from './counter.ts'
import { DATABASE_BUCKETS, OperationMetrics } from './database.ts'
import { Gauge, type GaugeChild } from './gauge.ts'
import { Histogram, type HistogramChild } from './histogram.ts'
import type { Registry } from './registry.ts'

export class PostgresMetrics {
  readonly #metrics: OperationMetrics

  constructor(registry: Registry) {
    this.#metrics = new OperationMetrics(registry, 'postgresql')
  }

  /** Whatever `ask` does with these parameters is measured as one operation of this SQL. */
  prepare<Params extends unknown[], Result>(
    sql: string,
    ask: (sql: string, params: Params) => Promise<Result>,
  ): (...params: Params) => Promise<Result> {
    const operation = this.#metrics.operation(sql)
    return async (...params) => {
      const startedMs = performance.now()
      try {
        return await ask(sql, params)
      } catch (error) {
        operation.failed(error)
        throw error
      } finally {
        operation.duration.observe((performance.now() - startedMs) / 1000)
      }
    }
  }
}

/** A pool of connections. */
export class PoolMetrics {
  readonly idle: GaugeChild
  readonly used: GaugeChild
  /** Seconds, of those who did not have to wait, too. */
  readonly wait: HistogramChild
  readonly timeouts: Counter

  constructor(registry: Registry) {
    const registers = [registry]
    const count = new Gauge({
      name: 'db_client_connection_count',
      help: 'Open connections to the database',
      labelNames: ['state'],
      registers,
    })
    this.idle = count.labels('idle')
    this.used = count.labels('used')
    this.wait = new Histogram({
      name: 'db_client_connection_wait_time_seconds',
      help: 'How long an operation waited for a connection, in seconds',
      buckets: DATABASE_BUCKETS,
      registers,
    }).labels()
    this.timeouts = new Counter({
      name: 'db_client_connection_timeouts_total',
      help: 'Operations that were given up because no connection was free in time',
      registers,
    })
  }
}
