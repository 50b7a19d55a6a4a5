/** The SQL of the SQLite store, prepared for one kind. Statements of requests are measured. */
import type { Database } from 'bun:sqlite'
import type { Registry } from '@bun-monitoring/metrics'
import { DatabaseMetrics } from '@bun-monitoring/metrics/sqlite'
import type { Kind } from '../model/kind.ts'
import { columnsOf } from '../model/pet.ts'

/** A row as SQLite returns it: booleans are 0 and 1. */
export type Row = { id: number; name: string; breed: string; is_test: number } & Record<string, unknown>

/** Name, breed, is_test and search; null where the filter is absent. */
type Filters = [string | null, string | null, number | null, string | null]
type Values = [string, string, number, number]

export type Statements = ReturnType<typeof prepare>

export function prepare(kind: Kind, db: Database, registry: Registry) {
  const { name, trait } = kind
  const metrics = new DatabaseMetrics(registry)
  const columns = columnsOf(kind).join(', ')
  const filtered = `(?1 IS NULL OR name = ?1) AND (?2 IS NULL OR breed = ?2) AND (?3 IS NULL OR is_test = ?3)
    AND (?4 IS NULL OR instr(lower(name), ?4) > 0 OR instr(lower(breed), ?4) > 0)`
  const page = <Ids extends number[]>(position: string, order: string) =>
    metrics.prepare<Row, [...Filters, number, number, ...Ids]>(
      db,
      `SELECT ${columns} FROM ${name} WHERE ${position} AND ${filtered} ORDER BY id ${order} LIMIT ?6`,
    )
  const exists = (position: string) =>
    db.prepare<{ 1: number }, [...Filters, number]>(
      `SELECT 1 FROM ${name} WHERE ${position} AND ${filtered} LIMIT 1`,
    )
  const set = `SET name = ?1, breed = ?2, ${trait} = ?3, is_test = coalesce(?4, is_test)`
  const isExpected = `AND name = ? AND breed = ? AND ${trait} = ? AND is_test = ?`
  return {
    forward: page<[before: number]>('id > ?5 AND id < ?7', ''),
    backward: page<[]>('id < ?5', 'DESC'),
    existsUpTo: exists('id <= ?5'),
    existsFrom: exists('id >= ?5'),
    /** Prepared for each order when it is first used. */
    browse: once((order: string) =>
      metrics.prepare<Row, [...Filters, number, number]>(
        db,
        `SELECT ${columns} FROM ${name} WHERE ${filtered} ORDER BY ${order} LIMIT ?5 OFFSET ?6`,
      ),
    ),
    countFiltered: db.prepare<{ total: number }, Filters>(
      `SELECT count(*) AS total FROM ${name} WHERE ${filtered}`,
    ),
    find: metrics.prepare<Row, [number]>(db, `SELECT ${columns} FROM ${name} WHERE id = ?`),
    insert: metrics.prepare<Row, Values>(
      db,
      `INSERT INTO ${name} (name, breed, ${trait}, is_test) VALUES (?, ?, ?, ?) RETURNING ${columns}`,
    ),
    keyed: metrics.prepare<{ fingerprint: string; pet_id: number }, [string]>(
      db,
      `SELECT fingerprint, pet_id FROM ${name}_idempotency WHERE key = ?`,
    ),
    keep: metrics.prepare<never, [string, string, number, number]>(
      db,
      `INSERT INTO ${name}_idempotency (key, fingerprint, pet_id, created_ms) VALUES (?, ?, ?, ?)`,
    ),
    forget: db.prepare<never, [number]>(`DELETE FROM ${name}_idempotency WHERE created_ms <= ?`),
    update: metrics.prepare<Row, [string, string, number, number | null, number]>(
      db,
      `UPDATE ${name} ${set} WHERE id = ?5 RETURNING ${columns}`,
    ),
    updateExpected: metrics.prepare<Row, [string, string, number, number | null, number, ...Values]>(
      db,
      `UPDATE ${name} ${set} WHERE id = ?5 ${isExpected} RETURNING ${columns}`,
    ),
    delete: metrics.prepare<never, [number]>(db, `DELETE FROM ${name} WHERE id = ?`),
    deleteExpected: metrics.prepare<never, [number, ...Values]>(
      db,
      `DELETE FROM ${name} WHERE id = ? ${isExpected}`,
    ),
    deleteTests: metrics.prepare<never, []>(db, `DELETE FROM ${name} WHERE is_test = 1`),
    // Not operations of a request, so not measured.
    version: db.prepare<{ data_version: number }, []>('PRAGMA data_version'),
    count: db.prepare<{ rows: number }, []>(`SELECT count(*) AS rows FROM ${name}`),
  }
}

/** Remembers the result for each argument. */
function once<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    if (!made.has(key)) made.set(key, make(key))
    return made.get(key)!
  }
}
