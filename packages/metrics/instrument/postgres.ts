/**
 * Measures the statements of a PostgreSQL database and the pool of connections to it, with OpenTelemetry's names. The time of a
 * statement includes its wait for a connection, as SQLite's includes the wait for the lock; the wait alone is a family, too.
 */
import { Counter } from '../api/counter.ts'
import { DATABASE_BUCKETS, OperationMetrics } from './database.ts'
import { Gauge, type GaugeChild } from '../api/gauge.ts'
import { Histogram, type HistogramChild } from '../api/histogram.ts'
import type { Registry } from '../api/registry.ts'

export class PostgresMetrics {
  readonly #metrics: OperationMetrics

  constructor(registry: Registry) {
    this.#metrics = new OperationMetrics(registry, 'postgresql')
  }

  /** Each call of the returned function runs `ask`, and is measured as one operation of this SQL. */
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
  /** Seconds for each operation, also for one that did not have to wait. */
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
