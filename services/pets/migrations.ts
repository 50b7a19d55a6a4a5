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
export function migrate(db: Database, migrations: readonly Migration[]): string[] {
  const run = db.transaction(() => {
    db.run('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT')
    const missing = unapplied(db, migrations)
    for (const { name, sql } of missing) {
      db.run(sql)
      db.run(`INSERT INTO migrations (name, applied_at) VALUES (?, datetime('now'))`, [name])
    }
    return missing.map(({ name }) => name)
  })
  return run.immediate()
}

/** Publishes how many of the migrations that this program knows the database has, and lacks. */
export function publishMigrations(db: Database, migrations: readonly Migration[], registry: Registry): void {
  const lacking = unapplied(db, migrations).length
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, aggregator: 'max', registers: [registry] })
  gauge('db_migrations_applied', 'Schema migrations that the database has').set(migrations.length - lacking)
  gauge('db_migrations_unapplied', 'Schema migrations that this program knows and the database lacks').set(
    lacking,
  )
}

function unapplied(db: Database, migrations: readonly Migration[]): Migration[] {
  const rows = db.query<{ name: string }, []>('SELECT name FROM migrations').all()
  const known = new Set(rows.map(({ name }) => name))
  return migrations.filter(({ name }) => !known.has(name))
}
