/** The SQL of the PostgreSQL store for one kind. Statements of requests are measured. */
import type { Registry } from '@bun-monitoring/metrics'
import { PostgresMetrics } from '@bun-monitoring/metrics/postgres'
import type { Field } from '../model/field.ts'
import { typeOf } from '../model/field_types.ts'
import { fieldsOfType, filtersOf, inputFields, type Kind } from '../model/kind.ts'
import type { Pet } from '../model/pet.ts'
import type { Pool, Rows } from './pool.ts'

/** One value for each field with a filter, then is_test and search; null where the filter is absent. */
type Filters = (string | boolean | null)[]
/** One value for each input field, null where it stays as it is; then those of the condition. */
type Values = (string | number | boolean | null)[]

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
  const { name } = kind
  const metrics = new PostgresMetrics(registry)
  const ask = <Row>(text: string, params: unknown[]): Promise<Rows<Row>> => pool.run<Row>(text, params)
  const inputs = inputFields(kind)
  const names = inputs.map(([column]) => `"${column}"`).join(', ')
  const plainColumns = `id, ${names}`
  const columns = columnsOf(kind)
  const filter = filterOf(kind, 6)
  const existsWith = (condition: string) => (position: string) =>
    `EXISTS (SELECT FROM "${name}" WHERE ${position} AND ${condition})`
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
           SELECT ${plainColumns} FROM "${name}"
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
  /** The input fields as params, from `$<from>`. */
  const values = (from: number) => inputs.map(([, field], i) => paramOf(field, from + i)).join(', ')
  const set = inputs
    .map(([column, field], i) => {
      const param = paramOf(field, i + 1)
      return `"${column}" = ${column === 'is_test' ? `coalesce(${param}, is_test)` : param}`
    })
    .join(', ')
  const isExpected = (from: number) =>
    inputs.map(([column, field], i) => `AND "${column}" = ${paramOf(field, from + i)}`).join(' ')
  /** The place of the first param after the input fields. */
  const next = inputs.length + 1
  return {
    // Without a filter another statement: PostgreSQL would plan one that allows for filters anew for each list.
    all: pages<[]>('true'),
    filtered: pages<Filters>(filter),
    browse: metrics.prepare<[string, number, number, ...Filters], Rows<Pet>>(
      `SELECT FROM "${name}"`,
      (_, [order, ...params]) =>
        pool.run<Pet>(
          `SELECT ${columns} FROM "${name}" WHERE ${filterOf(kind, 3)} ORDER BY ${order} LIMIT $1::int OFFSET $2::int`,
          params,
        ),
    ),
    countFiltered: (filters: Filters) =>
      pool.run<{ total: number }>(
        `SELECT count(*)::float8 AS total FROM "${name}" WHERE ${filterOf(kind, 1)}`,
        filters,
      ),
    find: metrics.prepare<[number], Rows<Pet>>(`SELECT ${columns} FROM "${name}" WHERE id = $1::bigint`, ask),
    insert: metrics.prepare<Values, Rows<Pet>>(
      `INSERT INTO "${name}" (${plainColumns})
       WITH ${turn} SELECT nextval('${sequence}'), ${values(1)} FROM turn RETURNING ${columns}`,
      ask,
    ),
    // Measured under the name of its last part.
    insertOnce: metrics.prepare<[...Values, string, string, number, number], Rows<Pet>>(
      `INSERT INTO "${name}"`,
      (_, params) =>
        pool.run<Pet>(
          `WITH ${turn}, kept AS (
             INSERT INTO ${name}_idempotency AS known (key, fingerprint, pet_id, created_ms)
             SELECT $${next}, $${next + 1}, nextval('${sequence}'), $${next + 2}::bigint FROM turn
             ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, pet_id = excluded.pet_id,
               created_ms = excluded.created_ms WHERE known.created_ms <= $${next + 3}::bigint
             RETURNING pet_id
           )
           INSERT INTO "${name}" (${plainColumns})
           SELECT pet_id, ${values(1)} FROM kept RETURNING ${columns}`,
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
    update: metrics.prepare<Values, Rows<Pet>>(
      `UPDATE "${name}" SET ${set} WHERE id = $${next}::bigint RETURNING ${columns}`,
      ask,
    ),
    updateExpected: metrics.prepare<Values, Rows<Pet>>(
      `UPDATE "${name}" SET ${set} WHERE id = $${next}::bigint ${isExpected(next + 1)} RETURNING ${columns}`,
      ask,
    ),
    delete: metrics.prepare<[number], Rows<never>>(`DELETE FROM "${name}" WHERE id = $1::bigint`, ask),
    deleteExpected: metrics.prepare<[number, ...Values], Rows<never>>(
      `DELETE FROM "${name}" WHERE id = $1::bigint ${isExpected(2)}`,
      ask,
    ),
    deleteTests: metrics.prepare<[], Rows<never>>(`DELETE FROM "${name}" WHERE is_test`, ask),
    // Not an operation of a request, so not measured.
    count: (known: string, epoch: string) =>
      pool.run<{ version: string; rows: number; migrations: string; is_read_only: boolean }>(
        `SELECT version, current_setting('transaction_read_only') = 'on' AS is_read_only,
           CASE WHEN version <> $1::text THEN (SELECT count(*) FROM "${name}")::float8 END AS rows,
           (SELECT coalesce(string_agg(name, ' '), '') FROM migrations WHERE model = $3::text) AS migrations
         FROM (SELECT ${versionAfter('$2')} AS version) AS now`,
        [known, epoch, name],
      ),
  }
}

/** The columns of a pet as JavaScript gets them. An id becomes a number as a double. */
const columnsOf = (kind: Kind): string =>
  [
    'id::float8 AS id',
    ...inputFields(kind).map(([name, field]) => {
      const column = `"${name}"`
      const selected = typeOf(field).select?.(column)
      return selected === undefined ? column : `${selected} AS ${column}`
    }),
  ].join(', ')

/** A param by the type of its field: a date is sent as a text. */
const paramOf = (field: Field, place: number): string =>
  `$${place}${field.type === 'date' ? '::text' : ''}::${typeOf(field).postgres}`

/** The condition of {@link Filters}, whose params begin at `$<from>`. With the collation C, lower() changes ASCII letters only, as SQLite's does. */
function filterOf(kind: Kind, from: number): string {
  const filters = filtersOf(kind)
  const [isTest, search] = [`$${from + filters.length}`, `$${from + filters.length + 1}`]
  const found = fieldsOfType(kind, 'text').map(
    (column) => `strpos(lower("${column}" COLLATE "C"), ${search}::text) > 0`,
  )
  return [
    ...filters.map((column, i) => `($${from + i}::text IS NULL OR "${column}" = $${from + i})`),
    `(${isTest}::boolean IS NULL OR is_test = ${isTest})`,
    `(${[`${search}::text IS NULL`, ...found].join(' OR ')})`,
  ].join(' AND ')
}
