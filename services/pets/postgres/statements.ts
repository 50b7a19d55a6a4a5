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

/** Advisory locks of a table have keys from here to 2^53 above: the kinds of a database share the space of the keys. */
const firstKeyOf = (name: string): string => String(BigInt(1 + (Bun.hash.crc32(name) % 1023)) << 53n)

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
  const filter = `($6::text IS NULL OR name = $6) AND ($7::text IS NULL OR breed = $7)
    AND ($8::boolean IS NULL OR is_test = $8) AND ($9::text IS NULL OR ${found('name')} OR ${found('breed')})`
  const existsWith = (condition: string) => (position: string) =>
    `EXISTS (SELECT FROM ${name} WHERE ${position} AND ${condition})`
  /** Params: version that is known, epoch, position, limit, greatest id, and the values of a filter. */
  const page = <Values extends unknown[]>(
    condition: string,
    position: string,
    order: string,
    isPrev: string,
    isNext: string,
  ) =>
    metrics.prepare<[string, string, number, number, number, ...Values], Rows<PageRow>>(
      `SELECT version, '[' || coalesce(rows, '') || ']' AS json, count::int AS count,
         first::float8 AS first, last::float8 AS last,
         version <> $1::text AND ${isPrev} AS is_prev, version <> $1::text AND ${isNext} AS is_next
       FROM (SELECT ${versionAfter('$2')} AS version) AS now, LATERAL (
         SELECT string_agg(row_to_json(pet)::text, ',' ORDER BY pet.id) AS rows, count(*) AS count,
           min(pet.id) AS first, max(pet.id) AS last
         FROM (
           SELECT ${plainColumns} FROM ${name}
           WHERE version <> $1::text AND ${position} AND id <= $5::bigint AND ${condition}
           ORDER BY id ${order} LIMIT $4::int
         ) AS pet
       ) AS page`,
      ask,
    )
  const sequence = `${name}_id_seq`
  const firstKey = firstKeyOf(name)
  /** Holds a shared lock from before the id is taken to the commit; its key is the greatest id taken so far. */
  const turn = `turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(${firstKey} + last_value - (NOT is_called)::int) FROM ${sequence}
  )`
  const pages = <Values extends unknown[]>(condition: string) => {
    const exists = existsWith(condition)
    return {
      forward: page<Values>(
        condition,
        'id > $3::bigint',
        '',
        `$3::bigint > 0 AND ${exists('id <= $3::bigint')}`,
        `count = $4::int AND ${exists('id > last AND id <= $5::bigint')}`,
      ),
      backward: page<Values>(
        condition,
        'id < $3::bigint',
        'DESC',
        `count = $4::int AND ${exists('id < first')}`,
        exists('id >= $3::bigint'),
      ),
    }
  }
  // The filter of a page begins with $6; the params before it are LIMIT and OFFSET here.
  const browseFilter = filter.replace(/\$(\d)/g, (_, number: string) => `$${Number(number) - 3}`)
  const set = `SET name = $1, breed = $2, ${trait} = $3, is_test = coalesce($4, is_test)`
  const isExpected = (from: number) =>
    `AND name = $${from} AND breed = $${from + 1} AND ${trait} = $${from + 2} AND is_test = $${from + 3}`
  return {
    // Without a filter another statement: PostgreSQL would plan one that allows for filters anew for each list.
    all: pages<[]>('true'),
    filtered: pages<Filters>(filter),
    browse: metrics.prepare<[string, number, number, ...Filters], Rows<Pet>>(
      `SELECT FROM ${name}`,
      (_, [order, ...params]) =>
        pool.run<Pet>(
          `SELECT ${columns} FROM ${name} WHERE ${browseFilter} ORDER BY ${order} LIMIT $1::int OFFSET $2::int`,
          params,
        ),
    ),
    countFiltered: (...filters: Filters) =>
      pool.run<{ total: number }>(
        `SELECT count(*)::float8 AS total FROM ${name} WHERE ${filter.replace(/\$(\d)/g, (_, number: string) => `$${Number(number) - 5}`)}`,
        filters,
      ),
    find: metrics.prepare<[number], Rows<Pet>>(`SELECT ${columns} FROM ${name} WHERE id = $1::bigint`, ask),
    insert: metrics.prepare<Values, Rows<Pet>>(
      `INSERT INTO ${name} (id, name, breed, ${trait}, is_test)
       WITH ${turn} SELECT nextval('${sequence}'), $1, $2, $3, $4 FROM turn RETURNING ${columns}`,
      ask,
    ),
    // Measured under the name of its last part.
    insertOnce: metrics.prepare<[...Values, string, string, number, number], Rows<Pet>>(
      `INSERT INTO ${name}`,
      (_, params) =>
        pool.run<Pet>(
          `WITH ${turn}, kept AS (
             INSERT INTO ${name}_idempotency AS known (key, fingerprint, pet_id, created_ms)
             SELECT $5, $6, nextval('${sequence}'), $7::bigint FROM turn
             ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, pet_id = excluded.pet_id,
               created_ms = excluded.created_ms WHERE known.created_ms <= $8::bigint
             RETURNING pet_id
           )
           INSERT INTO ${name} (id, name, breed, ${trait}, is_test)
           SELECT pet_id, $1, $2, $3, $4 FROM kept RETURNING ${columns}`,
          params,
        ),
    ),
    keyed: metrics.prepare<[string], Rows<{ fingerprint: string; pet_id: number }>>(
      `SELECT fingerprint, pet_id::float8 AS pet_id FROM ${name}_idempotency WHERE key = $1`,
      ask,
    ),
    forget: (untilMs: number) =>
      pool.run<never>(`DELETE FROM ${name}_idempotency WHERE created_ms <= $1::bigint`, [untilMs]),
    /** Waits until no insert is in progress that may have taken an id below `id`. Not an operation of a request. */
    settle: (id: number) =>
      pool.run<never>(
        `SELECT pg_advisory_xact_lock(key) FROM (
           SELECT DISTINCT (classid::bigint << 32) | objid::bigint AS key FROM pg_locks
           WHERE locktype = 'advisory' AND objsubid = 1 AND mode = 'ShareLock' AND granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         ) AS held WHERE key >= ${firstKey} AND key < ${firstKey} + $1::bigint`,
        [id],
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
      pool.run<{ version: string; rows: number; migrations: string; is_read_only: boolean }>(
        `SELECT version, current_setting('transaction_read_only') = 'on' AS is_read_only,
           CASE WHEN version <> $1::text THEN (SELECT count(*) FROM ${name})::float8 END AS rows,
           (SELECT coalesce(string_agg(name, ' '), '') FROM migrations WHERE model = $3::text) AS migrations
         FROM (SELECT ${versionAfter('$2')} AS version) AS now`,
        [known, epoch, name],
      ),
  }
}
