/** Metrics of a model: rows written, rows in the table, migrations. Both stores publish the same families. */
import { Counter, Gauge, type Registry } from '@bun-monitoring/metrics'
import type { Kind } from '../model/kind.ts'
import { migrations, unappliedOf } from '../model/migrations.ts'

export type ModelMetrics = ReturnType<typeof modelMetrics>

export function modelMetrics(kind: Kind, registry: Registry) {
  const registers = [registry]
  const labelNames = ['model']
  const counter = (verb: string, done: string) =>
    new Counter({
      name: `model_${verb}_total`,
      help: `Rows ${done}, bulk operations included`,
      labelNames,
      registers,
    }).labels(kind.name)
  const gauge = (name: string, help: string) => new Gauge({ name, help, aggregator: 'max', registers })
  const inserts = counter('inserts', 'inserted')
  const updates = counter('updates', 'updated')
  const deletes = counter('deletes', 'deleted')
  // All workers count the same table, so the most recent count holds.
  const rows = new Gauge({
    name: 'model_rows',
    help: 'Rows of the table',
    labelNames,
    aggregator: 'mostrecent',
    registers,
  })
  const applied = gauge('db_migrations_applied', 'Schema migrations that the database has')
  const unapplied = gauge(
    'db_migrations_unapplied',
    'Schema migrations that this program knows and the database lacks',
  )
  return {
    inserts,
    updates,
    deletes,
    countRows: (count: number) => rows.labels(kind.name).set(count),
    /** @param names of the migrations that the database has. */
    countMigrations(names: readonly string[]) {
      const all = migrations(kind)
      const lacking = unappliedOf(all, names).length
      applied.set(all.length - lacking)
      unapplied.set(lacking)
    },
  }
}
