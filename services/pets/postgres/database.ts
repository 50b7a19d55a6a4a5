/** A database on PostgreSQL: waited for at the start, migrated, and then asked through a pool for each worker. */
import type { SQL } from 'bun'
import type { Registry } from '@bun-monitoring/metrics'
import { PoolMetrics } from '@bun-monitoring/metrics/postgres'
import type { Logger } from '@bun-monitoring/prefork'
import type { Database } from '../database.ts'
import { type Kind, prefixOf } from '../kind.ts'
import { isHopeless } from './errors.ts'
import { migrate } from './migrate.ts'
import { Pool } from './pool.ts'
import { PostgresStore } from './store.ts'
import { connection, type PostgresSettings, whereIs } from './target.ts'

/** At a start a database that does not answer is tried so often, a connect timeout apart. */
const TRIES = 30

/** What migrates or copies may take as long as it takes. */
const UNLIMITED_MS = 0

export const postgresDatabase = (
  kind: Kind,
  settings: PostgresSettings & { databasePool: number },
): Database => ({
  async migrate(log) {
    const sql = await connect(kind, settings, log)
    try {
      return await migrate(sql, kind)
    } finally {
      await sql.close()
    }
  },
  open(registry: Registry, log: Logger) {
    const { databaseStatementTimeoutMs: statementMs } = settings
    const pool = new Pool({
      size: settings.databasePool,
      waitMs: settings.databaseConnectTimeoutMs,
      statementMs,
      connect: (onClose) => connection(kind.name, settings, statementMs, onClose),
      metrics: new PoolMetrics(registry),
      log,
    })
    return new PostgresStore(kind, pool, registry)
  },
})

/**
 * A connection without a statement timeout.
 * @throws Error that says what to do, where the server refuses the login, or does not answer for {@link TRIES} connect timeouts.
 */
export async function connect(kind: Kind, settings: PostgresSettings, log: Logger): Promise<SQL> {
  const where = `PostgreSQL at ${whereIs(settings.databaseUrl)}`
  for (let tries = 1; ; tries++) {
    const pause = Bun.sleep(settings.databaseConnectTimeoutMs)
    const sql = connection(kind.name, settings, UNLIMITED_MS)
    try {
      return await sql.connect()
    } catch (error) {
      const { message } = error as Error
      const variable = `${prefixOf(kind)}_DATABASE_URL`
      if (isHopeless(error)) {
        throw new Error(`${where} refuses us: ${message}: correct ${variable} or the password`, {
          cause: error,
        })
      }
      if (tries === TRIES) {
        const what = `did not answer ${TRIES} times: ${message}: start it or correct ${variable}`
        throw new Error(`${where} ${what}`, { cause: error })
      }
      log.warn({ tries, of: TRIES }, `waiting for ${where}: ${message}`)
      await pause
    }
  }
}
