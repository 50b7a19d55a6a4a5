/**
 * Migrations of a PostgreSQL database, in one transaction behind an advisory lock: of replicas that start together one
 * migrates, the others wait, and then find nothing left to do. The table of migrations is shared by the models of a database.
 */
import type { SQL, TransactionSQL } from 'bun'
import type { Kind } from '../kind.ts'
import { migrations, unappliedOf } from '../migrations.ts'

/** Any number that nobody else locks: the bytes of "pets". */
const LOCK = 0x70657473

/**
 * Applies what is missing.
 * @returns the names of the migrations that this call applied.
 * @throws the error of the first that fails; nothing of this call is applied then.
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
    const missing = unappliedOf(
      migrations(kind),
      rows.map(({ name }) => name),
    )
    for (const { name, postgres } of missing) {
      await transaction.unsafe(postgres)
      await transaction.unsafe('INSERT INTO migrations (model, name) VALUES ($1, $2)', [kind.name, name])
    }
    return missing.map(({ name }) => name)
  })

/** Snapshots tell whether lists are stale: see store.ts. */
const LEAST_VERSION = 130_000

/** Names are any text: another encoding than UTF-8 would refuse some of them, one by one and much later. */
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
