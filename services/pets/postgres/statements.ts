/** The SQL of the PostgreSQL store for one kind. Statements of requests are measured. */
import type { Registry } from '@bun-monitoring/metrics'
import { PostgresMetrics } from '@bun-monitoring/metrics/postgres'
import type { Kind } from '../model/kind.ts'
import { columnsOf, type Pet } from '../model/pet.ts'
import type { Pool, Rows } from './pool.ts'

/** Name, breed, is_test and search; null where the filter is absent. */
type Filters = [string | null, string | null, boolean | null, string | null]
type Values = [string, string, boolean, boolean]

export interface PageRow {
  version: string
  /** Whether no transaction was in progress. */
  is_settled: boolean
  json: string
  count: number
  first: number | null
  last: number | null
  /** Whether there are rows before the first and after the last one. */
  is_prev: boolean
  is_next: boolean
}

/**
 * The version is the text of the snapshot: equal snapshots see the same transactions, hence the same rows. It is cheap, since
 * it reads no table, and never stale, since a statement sees every commit from before its start. (On a standby it is not
 * reliable.)
 */
const versionAfter = (epoch: `$${number}`) => `${epoch}::text || pg_current_snapshot()::text`

export type Statements = ReturnType<typeof prepare>

export function prepare(kind: Kind, pool: Pool, registry: Registry) {
  const { name, trait } = kind
  const metrics = new PostgresMetrics(registry)
  const ask = <Row>(text: string, params: unknown[]): Promise<Rows<Row>> => pool.run<Row>(text, params)
  const plainColumns = columnsOf(kind).join(', ')
  // As a double an id becomes a number in JavaScript.
  const columns = plainColumns.replace('id', 'id::float8 AS id')
  // With the collation C, lower() changes ASCII letters only, as SQLite's does.
  const found = (column: string) => `strpos(lower(${column} COLLATE "C"), $9::text) > 0`
  const filtered = `($6::text IS NULL OR name = $6) AND ($7::text IS NULL OR breed = $7)
    AND ($8::boolean IS NULL OR is_test = $8) AND ($9::text IS NULL OR ${found('name')} OR ${found('breed')})`
  const exists = (position: string) => `EXISTS (SELECT FROM ${name} WHERE ${position} AND ${filtered})`
  /** Params: version that is known, epoch, position, limit, greatest id, filters. */
  const page = (position: string, order: string, isPrev: string, isNext: string) =>
    metrics.prepare<[string, string, number, number, number, ...Filters], Rows<PageRow>>(
      `SELECT version, is_settled, '[' || coalesce(rows, '') || ']' AS json, count::int AS count,
         first::float8 AS first, last::float8 AS last,
         version <> $1::text AND ${isPrev} AS is_prev, version <> $1::text AND ${isNext} AS is_next
       FROM (
         SELECT ${versionAfter('$2')} AS version,
           pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot()) AS is_settled
       ) AS now, LATERAL (
         SELECT string_agg(row_to_json(pet)::text, ',' ORDER BY pet.id) AS rows, count(*) AS count,
           min(pet.id) AS first, max(pet.id) AS last
         FROM (
           SELECT ${plainColumns} FROM ${name}
           WHERE version <> $1::text AND ${position} AND id <= $5::bigint AND ${filtered}
           ORDER BY id ${order} LIMIT $4::int
         ) AS pet
       ) AS page`,
      ask,
    )
  const set = `SET name = $1, breed = $2, ${trait} = $3, is_test = coalesce($4, is_test)`
  const isExpected = (from: number) =>
    `AND name = $${from} AND breed = $${from + 1} AND ${trait} = $${from + 2} AND is_test = $${from + 3}`
  return {
    forward: page(
      'id > $3::bigint',
      '',
      `$3::bigint > 0 AND ${exists('id <= $3::bigint')}`,
      `count = $4::int AND ${exists('id > last')}`,
    ),
    backward: page(
      'id < $3::bigint',
      'DESC',
      `count = $4::int AND ${exists('id < first')}`,
      exists('id >= $3::bigint'),
    ),
    find: metrics.prepare<[number], Rows<Pet>>(`SELECT ${columns} FROM ${name} WHERE id = $1::bigint`, ask),
    insert: metrics.prepare<Values, Rows<Pet>>(
      `INSERT INTO ${name} (name, breed, ${trait}, is_test) VALUES ($1, $2, $3, $4) RETURNING ${columns}`,
      ask,
    ),
    update: metrics.prepare<[string, string, boolean, boolean | null, number], Rows<Pet>>(
      `UPDATE ${name} ${set} WHERE id = $5::bigint RETURNING ${columns}`,
      ask,
    ),
    updateExpected: metrics.prepare<[string, string, boolean, boolean | null, number, ...Values], Rows<Pet>>(
      `UPDATE ${name} ${set} WHERE id = $5::bigint ${isExpected(6)} RETURNING ${columns}`,
      ask,
    ),
    delete: metrics.prepare<[number], Rows<never>>(`DELETE FROM ${name} WHERE id = $1::bigint`, ask),
    deleteExpected: metrics.prepare<[number, ...Values], Rows<never>>(
      `DELETE FROM ${name} WHERE id = $1::bigint ${isExpected(2)}`,
      ask,
    ),
    deleteTests: metrics.prepare<[], Rows<never>>(`DELETE FROM ${name} WHERE is_test`, ask),
    // Not an operation of a request, so not measured.
    count: (known: string, epoch: string) =>
      pool.run<{ version: string; rows: number; migrations: string }>(
        `SELECT version,
           CASE WHEN version <> $1::text THEN (SELECT count(*) FROM ${name})::float8 END AS rows,
           (SELECT coalesce(string_agg(name, ' '), '') FROM migrations WHERE model = $3::text) AS migrations
         FROM (SELECT ${versionAfter('$2')} AS version) AS now`,
        [known, epoch, name],
      ),
  }
}
