/**
 * The metrics of a database client: sqlite.ts and postgres.ts measure their statements here. Operation and table are read from
 * the SQL once, so that a call costs two clock reads and one observation.
 */
import { Counter } from '../api/counter.ts'
import { Histogram, type HistogramChild } from '../api/histogram.ts'
import type { Registry } from '../api/registry.ts'
import { describe } from './sql.ts'

/** Upper bounds in seconds, also for metrics that are compared with the duration of an operation. */
export const DATABASE_BUCKETS: readonly number[] = [
  0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10,
]

/** The series of one statement. */
export interface Operation {
  readonly duration: HistogramChild
  failed(error: unknown): void
}

export class OperationMetrics {
  readonly #system: string
  readonly #duration: Histogram
  readonly #errors: Counter

  /** @param system `db_system_name`, as OpenTelemetry spells it. */
  constructor(registry: Registry, system: 'sqlite' | 'postgresql') {
    const labelNames: string[] = ['db_system_name', 'db_operation_name', 'db_collection_name']
    this.#system = system
    this.#duration = new Histogram({
      name: 'db_client_operation_duration_seconds',
      help: 'Time of one database operation, in seconds',
      labelNames,
      buckets: DATABASE_BUCKETS,
      registers: [registry],
    })
    this.#errors = new Counter({
      name: 'db_client_operation_errors_total',
      help: 'Database operations that failed, by SQLite error code or SQLSTATE',
      labelNames: [...labelNames, 'error_type'],
      registers: [registry],
    })
  }

  operation(sql: string): Operation {
    const labels = [this.#system, ...describe(sql)]
    return {
      duration: this.#duration.labels(...labels),
      failed: (error) => this.#errors.labels(...labels, errorType(error)).inc(),
    }
  }
}

/** The SQLSTATE when the server sent one, else the code of the client. */
function errorType(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const { errno, code } = error as Error & { errno?: unknown; code?: string }
  return typeof errno === 'string' ? errno : (code ?? error.constructor.name)
}
