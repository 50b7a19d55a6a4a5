/**
 * Measures what a bun:sqlite database is asked. Statements are wrapped when they are prepared: operation and table
 * are read from the SQL once, so that a call costs two clock reads and one observation. BEGIN and COMMIT, which
 * `db.transaction()` runs by itself, are part of no statement and not measured.
 */
import type { Database, SQLQueryBindings, Statement } from 'bun:sqlite'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import type { Registry } from './registry.ts'

type Bindings = SQLQueryBindings[]

/** The part of a bun:sqlite statement that asks the database something. */
export interface MeasuredStatement<Row, Params extends Bindings> {
  get(...params: Params): Row | null
  all(...params: Params): Row[]
  run(...params: Params): { changes: number; lastInsertRowid: number | bigint }
}

export class DatabaseMetrics {
  readonly #duration: Histogram
  readonly #errors: Counter

  constructor(registry: Registry) {
    const labelNames: string[] = ['db_system_name', 'db_operation_name', 'db_collection_name']
    this.#duration = new Histogram({
      name: 'db_client_operation_duration_seconds',
      help: 'Time of one database operation, in seconds',
      labelNames,
      buckets: [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
      registers: [registry],
    })
    this.#errors = new Counter({
      name: 'db_client_operation_errors_total',
      help: 'Database operations that failed, by SQLite error code',
      labelNames: [...labelNames, 'error_type'],
      registers: [registry],
    })
  }

  /** Prepares a statement whose calls are measured. */
  prepare<Row, Params extends Bindings>(db: Database, sql: string): MeasuredStatement<Row, Params> {
    const statement: Statement<Row, Bindings> = db.prepare<Row, Bindings>(sql)
    const labels = ['sqlite', ...describe(sql)]
    const duration = this.#duration.labels(...labels)
    // No function is made for a call: it would cost as much as the clock does.
    const measured =
      <Ask extends 'get' | 'all' | 'run'>(ask: Ask) =>
      (...params: Params) => {
        const startedMs = performance.now()
        try {
          return statement[ask](...params) as ReturnType<Statement<Row>[Ask]>
        } catch (error) {
          this.#errors.labels(...labels, errorType(error)).inc()
          throw error
        } finally {
          duration.observe((performance.now() - startedMs) / 1000)
        }
      }
    return { get: measured('get'), all: measured('all'), run: measured('run') }
  }
}

/** Operation and table of a statement: `['SELECT', 'dogs']`. Our SQL, not a client's, so both are bounded. */
export function describe(sql: string): [operation: string, collection: string] {
  const operation = /^\s*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? ''
  const collection = /\b(?:FROM|INTO|UPDATE|PRAGMA)\s+["`[]?(\w+)/i.exec(sql)?.[1] ?? ''
  return [operation, collection]
}

function errorType(error: unknown): string {
  if (error instanceof Error) return (error as Error & { code?: string }).code ?? error.constructor.name
  return typeof error
}
