/**
 * Measures the statements of a bun:sqlite database, by wrapping them when they are prepared. BEGIN and COMMIT are not
 * measured, because `db.transaction()` runs them itself.
 */
import type { Database, SQLQueryBindings, Statement } from 'bun:sqlite'
import { OperationMetrics } from './database.ts'
import type { Registry } from '../api/registry.ts'

type Bindings = SQLQueryBindings[]

/** The methods of a bun:sqlite statement that run it. */
export interface MeasuredStatement<Row, Params extends Bindings> {
  get(...params: Params): Row | null
  all(...params: Params): Row[]
  run(...params: Params): { changes: number; lastInsertRowid: number | bigint }
}

export class DatabaseMetrics {
  readonly #metrics: OperationMetrics

  constructor(registry: Registry) {
    this.#metrics = new OperationMetrics(registry, 'sqlite')
  }

  /** Prepares a statement whose calls are measured. */
  prepare<Row, Params extends Bindings>(db: Database, sql: string): MeasuredStatement<Row, Params> {
    const statement: Statement<Row, Bindings> = db.prepare<Row, Bindings>(sql)
    const operation = this.#metrics.operation(sql)
    const { duration } = operation
    // No closure is made for a call: it would cost as much as the clock reads.
    const measured =
      <Ask extends 'get' | 'all' | 'run'>(ask: Ask) =>
      (...params: Params) => {
        const startedMs = performance.now()
        try {
          return statement[ask](...params) as ReturnType<Statement<Row>[Ask]>
        } catch (error) {
          operation.failed(error)
          throw error
        } finally {
          duration.observe((performance.now() - startedMs) / 1000)
        }
      }
    return { get: measured('get'), all: measured('all'), run: measured('run') }
  }
}
