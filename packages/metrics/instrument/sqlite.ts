/**
 * Measures the statements of a bun:sqlite database, by wrapping them when they are prepared. BEGIN and COMMIT are not
 * measured, because `db.transaction()` runs them itself.
 */
import type { Database, SQLQueryBindings, Statement } from 'bun:sqlite'
import type { Registry } from '../api/registry.ts'
import { type Operation, OperationMetrics } from './database.ts'

type Bindings = SQLQueryBindings[]

/** A statement of bun:sqlite, with all its methods. Those that run it are measured. */
export type MeasuredStatement<Row, Params extends Bindings> = Statement<Row, Params>

export class DatabaseMetrics {
  readonly #metrics: OperationMetrics

  constructor(registry: Registry) {
    this.#metrics = new OperationMetrics(registry, 'sqlite')
  }

  /** Prepares a statement whose calls are measured. */
  prepare<Row, Params extends Bindings>(db: Database, sql: string): MeasuredStatement<Row, Params> {
    const statement: Statement<Row, Bindings> = db.prepare<Row, Bindings>(sql)
    const operation = this.#metrics.operation(sql)
    // bun:sqlite has these methods on the statement itself, not on its prototype.
    for (const method of ['get', 'all', 'run', 'values', 'raw'] as const) {
      const call = statement[method].bind(statement) as (...params: Bindings) => never
      statement[method] = measured(call, operation)
    }
    const iterate = statement.iterate.bind(statement)
    statement.iterate = (...params) => measuredRows(() => iterate(...params), operation)
    const iterateAgain = statement[Symbol.iterator].bind(statement)
    statement[Symbol.iterator] = () => measuredRows(iterateAgain, operation)
    return statement
  }
}

function measured<Result>(call: (...params: Bindings) => Result, operation: Operation) {
  const { duration } = operation
  // No closure is made for a call: it would cost as much as the clock reads.
  return (...params: Bindings): Result => {
    const startedMs = performance.now()
    try {
      return call(...params)
    } catch (error) {
      operation.failed(error)
      throw error
    } finally {
      duration.observe((performance.now() - startedMs) / 1000)
    }
  }
}

/** All rows together are one operation. The time between them, in which the program works on a row, does not count. */
function* measuredRows<Row>(start: () => Iterator<Row>, operation: Operation): IterableIterator<Row> {
  const rows = start()
  let totalMs = 0
  try {
    for (;;) {
      const startedMs = performance.now()
      const row = nextOf(rows, operation)
      totalMs += performance.now() - startedMs
      if (row.done) return
      yield row.value
    }
  } finally {
    rows.return?.()
    operation.duration.observe(totalMs / 1000)
  }
}

function nextOf<Row>(rows: Iterator<Row>, operation: Operation): IteratorResult<Row> {
  try {
    return rows.next()
  } catch (error) {
    operation.failed(error)
    throw error
  }
}
