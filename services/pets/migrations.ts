/**
 * Schema changes, in order, each applied once. They run before anything is served, inside one immediate transaction:
 * of two processes that start together the second waits, and then finds nothing left to do.
 */
import type { Database } from 'bun:sqlite'
import { Gauge, type Registry } from '@bun-monitoring/metrics'
import type { Kind } from './kind.ts'

export interface Migration {
  name: string
  sql: string
}

/** Never change one that was released: add the next. */
export const migrationsOf = ({ name, trait }: Kind): Migration[] => [
  {
    name: '0001_initial',
    sql: `CREATE TABLE ${name} (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      breed TEXT NOT NULL,
      ${trait} INTEGER NOT NULL DEFAULT 0
    ) STRICT`,
  },
  { name: '0002_is_test', sql: `ALTER TABLE ${name} ADD COLUMN is_test INTEGER NOT NULL DEFAULT 0` },
  { name: '0003_is_test_index', sql: `CREATE INDEX ${name}_is_test ON ${name} (id) WHERE is_test = 1` },
]

/**
 * Applies what is missing.
 * @returns the names of the migrations that this call applied.
 * @throws the SQLite error of the first that fails; nothing of this call is applied then.
 */
export function migrate(db: Database, migrations: readonly Migration[], registry: Registry): string[] {
  const applied = new Gauge({
    name: 'db_migrations_applied',
    help: 'Schema migrations that the database has',
    registers: [registry],
  })
  const unapplied = new Gauge({
    name: 'db_migrations_unapplied',
    help: 'Schema migrations that this program knows and the database lacks',
    registers: [registry],
  })
  unapplied.set(migrations.length)

  const run = db.transaction(() => {
    db.run('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT')
    const known = new Set(
      db
        .query<{ name: string }, []>('SELECT name FROM migrations')
        .all()
        .map((row) => row.name),
    )
    const missing = migrations.filter(({ name }) => !known.has(name))
    for (const { name, sql } of missing) {
      db.run(sql)
      db.run(`INSERT INTO migrations (name, applied_at) VALUES (?, datetime('now'))`, [name])
    }
    return missing.map(({ name }) => name)
  })
  const names = run.immediate()
  applied.set(migrations.length)
  unapplied.set(0)
  return names
}
