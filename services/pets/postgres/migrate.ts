/**
 * Applies migrations to a PostgreSQL database in one transaction under an advisory lock: when replicas start together, one
 * migrates and the others wait. The models of a database share one table of migrations.
 */
import type { SQL, TransactionSQL } from 'bun'
import type { Kind } from '../model/kind.ts'
import { type Column, requireColumns } from '../model/columns.ts'
import { migrations, requireKnown, unappliedOf } from '../model/migrations.ts'

/** The key of the advisory lock: the bytes of "pets", which no other program is likely to use. */
const LOCK = 0x70657473

/**
 * Applies the missing migrations.
 * @returns the names of the migrations that this call applied.
 * @throws the error of the first migration that fails; the whole call is then rolled back.
 */
export const migrate = (sql: SQL, kind: Kind): Promise<string[]> =>
  sql.begin(async (transaction) => {
    await transaction.unsafe('SELECT pg_advisory_xact_lock($1)', [LOCK])
    await checkServer(transaction)
    await transaction.unsafe(`CREATE TABLE IF NOT EXISTS migrations (
      model text, name text, applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (model, name)
    )`)
    const rows: { name: string }[] = await transaction.unsafe(
      'SELECT name FROM migrations WHERE model = $1',
      [kind.name],
    )
    const [all, applied] = [migrations(kind), rows.map(({ name }) => name)]
    requireKnown(all, applied)
    const missing = unappliedOf(all, applied)
    for (const { name, postgres } of missing) {
      await transaction.unsafe(postgres)
      await transaction.unsafe('INSERT INTO migrations (model, name) VALUES ($1, $2)', [kind.name, name])
    }
    const columns: Column[] = await transaction.unsafe(
      `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type,
         attnotnull AND NOT atthasdef AND attidentity = '' AS "isRequired"
       FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped`,
      [kind.name],
    )
    const { name } = kind
    const discard = `DROP TABLE "${name}", ${name}_idempotency; DELETE FROM migrations WHERE model = '${name}'`
    requireColumns(kind, 'postgres', columns, discard)
    return missing.map(({ name }) => name)
  })

/** The first version with `pg_current_snapshot()`: see store.ts. */
const LEAST_VERSION = 130_000

/** Names may hold any character: with an encoding other than UTF-8, single inserts would fail later. */
async function checkServer(transaction: TransactionSQL): Promise<void> {
  const [{ encoding, version, number }] = await transaction.unsafe(
    `SELECT current_setting('server_encoding') AS encoding, current_setting('server_version') AS version,
       current_setting('server_version_num')::int AS number`,
  )
  if (encoding !== 'UTF8') {
    throw new Error(`the database has the encoding ${encoding}: create one with ENCODING 'UTF8'`)
  }
  if (number < LEAST_VERSION) throw new Error(`PostgreSQL ${version} is too old: 13 or later is needed`)
}
