/**
 * Applies migrations to a SQLite file inside one immediate transaction: if two processes start together, the second waits
 * for the first and finds nothing left to do.
 */
import type { Database } from 'bun:sqlite'
import { type Migration, requireKnown, unappliedOf } from '../model/migrations.ts'

/**
 * Applies the missing migrations.
 * @returns the names of the migrations that this call applied.
 * @throws the SQLite error of the first migration that fails; the whole call is then rolled back.
 */
export function migrate(db: Database, all: readonly Migration[]): string[] {
  const run = db.transaction(() => {
    db.run('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT')
    const applied = appliedTo(db)
    requireKnown(all, applied)
    const missing = unappliedOf(all, applied)
    for (const { name, sqlite } of missing) {
      db.run(sqlite)
      db.run(`INSERT INTO migrations (name, applied_at) VALUES (?, datetime('now'))`, [name])
    }
    return missing.map(({ name }) => name)
  })
  return run.immediate()
}

/** Names of the migrations that the database has. */
export const appliedTo = (db: Database): string[] =>
  db
    .query<{ name: string }, []>('SELECT name FROM migrations')
    .all()
    .map(({ name }) => name)
