/** The numbers of a model: rows written, rows there are, migrations. Both stores publish the same. */
import { Counter, Gauge, type Registry } from '@bun-monitoring/metrics'
import type { Kind } from './kind.ts'
import { migrations, unappliedOf } from './migrations.ts'

/** Of rows written in one way. */
interface RowCounter {
  inc(rows: number): void
}

export class ModelMetrics {
  readonly inserts: RowCounter
  readonly updates: RowCounter
  readonly deletes: RowCounter
  readonly #kind: Kind
  readonly #rows: Gauge
  readonly #applied: Gauge
  readonly #unapplied: Gauge

  constructor(kind: Kind, registry: Registry) {
    const registers = [registry]
    const counter = (verb: string, done: string) =>
      new Counter({
        name: `model_${verb}_total`,
        help: `Rows ${done}, bulk operations included`,
        labelNames: ['model'],
        registers,
      }).labels(kind.name)
    const gauge = (name: string, help: string) => new Gauge({ name, help, aggregator: 'max', registers })
    this.#kind = kind
    this.inserts = counter('inserts', 'inserted')
    this.updates = counter('updates', 'updated')
    this.deletes = counter('deletes', 'deleted')
    // All workers count the same table: the last count is the right one.
    this.#rows = new Gauge({
      name: 'model_rows',
      help: 'Rows of the table',
      labelNames: ['model'],
      aggregator: 'mostrecent',
      registers,
    })
    this.#applied = gauge('db_migrations_applied', 'Schema migrations that the database has')
    this.#unapplied = gauge(
      'db_migrations_unapplied',
      'Schema migrations that this program knows and the database lacks',
    )
  }

  countRows(rows: number): void {
    this.#rows.labels(this.#kind.name).set(rows)
  }

  /** @param applied names of those that the database has. */
  countMigrations(applied: readonly string[]): void {
    const all = migrations(this.#kind)
    const lacking = unappliedOf(all, applied).length
    this.#applied.set(all.length - lacking)
    this.#unapplied.set(lacking)
  }
}
