/** The SQL of the SQLite store, prepared for one kind. Statements of requests are measured. */
import type { Database } from 'bun:sqlite'
import type { Registry } from '@bun-monitoring/metrics'
import { DatabaseMetrics } from '@bun-monitoring/metrics/sqlite'
import { columnsOf, fieldsOfType, filtersOf, inputFields, type Kind } from '../model/kind.ts'

/** A value as SQLite stores it: booleans are 0 and 1. */
export type SqlValue = string | number

/** A row as SQLite returns it. */
export type Row = { id: number } & Record<string, SqlValue>

/** One value for each field with a filter, then is_test and search; null where the filter is absent. */
type Filters = (SqlValue | null)[]
/** One value for each input field, null where it stays as it is; then those of the condition. */
type Values = (SqlValue | null)[]

export type Statements = ReturnType<typeof prepare>

export function prepare(kind: Kind, db: Database, registry: Registry) {
  const { name } = kind
  const metrics = new DatabaseMetrics(registry)
  const columns = columnsOf(kind).map(quoted).join(', ')
  const inputs = inputFields(kind).map(([column]) => quoted(column))
  const filters = conditionsOf(kind)
  const filtered = filters.join(' AND ')
  /** The parameter that is the `place`th after the filters. */
  const after = (place: number) => `?${filters.length + place}`
  const page = <Ids extends number[]>(position: string, order: string) =>
    metrics.prepare<Row, [...Filters, number, number, ...Ids]>(
      db,
      `SELECT ${columns} FROM "${name}" WHERE ${position} AND ${filtered} ORDER BY id ${order} LIMIT ${after(2)}`,
    )
  const exists = (position: string) =>
    db.prepare<{ 1: number }, [...Filters, number]>(
      `SELECT 1 FROM "${name}" WHERE ${position} AND ${filtered} LIMIT 1`,
    )
  const set = inputs
    .map(
      (column, i) =>
        `${column} = ${column === quoted('is_test') ? `coalesce(?${i + 1}, is_test)` : `?${i + 1}`}`,
    )
    .join(', ')
  const change = `UPDATE "${name}" SET ${set} WHERE id = ?${inputs.length + 1}`
  const isExpected = inputs.map((column) => `AND ${column} = ?`).join(' ')
  return {
    forward: page<[before: number]>(`id > ${after(1)} AND id < ${after(3)}`, ''),
    backward: page<[]>(`id < ${after(1)}`, 'DESC'),
    existsUpTo: exists(`id <= ${after(1)}`),
    existsFrom: exists(`id >= ${after(1)}`),
    /** Prepared for each order when it is first used. */
    browse: once((order: string) =>
      metrics.prepare<Row, [...Filters, number, number]>(
        db,
        `SELECT ${columns} FROM "${name}" WHERE ${filtered} ORDER BY ${order} LIMIT ${after(1)} OFFSET ${after(2)}`,
      ),
    ),
    countFiltered: db.prepare<{ total: number }, Filters>(
      `SELECT count(*) AS total FROM "${name}" WHERE ${filtered}`,
    ),
    find: metrics.prepare<Row, [number]>(db, `SELECT ${columns} FROM "${name}" WHERE id = ?`),
    insert: metrics.prepare<Row, Values>(
      db,
      `INSERT INTO "${name}" (${inputs.join(', ')}) VALUES (${inputs.map(() => '?').join(', ')}) RETURNING ${columns}`,
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
    update: metrics.prepare<Row, Values>(db, `${change} RETURNING ${columns}`),
    updateExpected: metrics.prepare<Row, Values>(db, `${change} ${isExpected} RETURNING ${columns}`),
    delete: metrics.prepare<never, [number]>(db, `DELETE FROM "${name}" WHERE id = ?`),
    deleteExpected: metrics.prepare<never, [number, ...Values]>(
      db,
      `DELETE FROM "${name}" WHERE id = ? ${isExpected}`,
    ),
    deleteTests: metrics.prepare<never, []>(db, `DELETE FROM "${name}" WHERE is_test = 1`),
    // Not operations of a request, so not measured.
    version: db.prepare<{ data_version: number }, []>('PRAGMA data_version'),
    count: db.prepare<{ rows: number }, []>(`SELECT count(*) AS rows FROM "${name}"`),
  }
}

/** Names of fields may be words of SQL. */
const quoted = (column: string): string => `"${column}"`

/** One condition for each of {@link Filters}; its parameter has the same place. */
function conditionsOf(kind: Kind): string[] {
  const filters = [...filtersOf(kind), 'is_test']
  const search = `?${filters.length + 1}`
  const found = fieldsOfType(kind, 'text').map((column) => `instr(lower("${column}"), ${search}) > 0`)
  return [
    ...filters.map((column, i) => `(?${i + 1} IS NULL OR "${column}" = ?${i + 1})`),
    `(${[`${search} IS NULL`, ...found].join(' OR ')})`,
  ]
}

/** Remembers the result for each argument. */
function once<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    if (!made.has(key)) made.set(key, make(key))
    return made.get(key)!
  }
}
