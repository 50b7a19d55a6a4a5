/** PostgreSQL as a database of the service: waits for it at the start, migrates it, and opens a pool for each worker. */
import type { SQL } from 'bun'
import { PoolMetrics } from '@bun-monitoring/metrics/postgres'
import type { Logger } from '@bun-monitoring/prefork'
import { type Kind, prefixOf } from '../model/kind.ts'
import type { Database } from '../store/store.ts'
import { isHopeless } from './errors.ts'
import { migrate } from './migrate.ts'
import { Pool } from './pool.ts'
import { PostgresStore } from './store.ts'
import { connect, type PostgresSettings, whereIs } from './target.ts'

/** Connection attempts at the start, one connect timeout apart. */
const TRIES = 30

/** Migrations and copies have no time limit. */
const UNLIMITED_MS = 0

export const postgresDatabase = (
  kind: Kind,
  settings: PostgresSettings & { databasePool: number },
): Database => ({
  async migrate(log) {
    const sql = await connectWithRetries(kind, settings, log)
    try {
      return await migrate(sql, kind)
    } finally {
      await sql.close()
    }
  },
  open(registry, log) {
    const { databaseStatementTimeoutMs: statementMs } = settings
    const pool = new Pool({
      size: settings.databasePool,
      waitMs: settings.databaseConnectTimeoutMs,
      statementMs,
      connect: (onClose) => connect(kind.name, settings, statementMs, onClose),
      metrics: new PoolMetrics(registry),
      log,
    })
    return new PostgresStore(kind, pool, registry)
  },
})

/**
 * Opens a connection without a statement timeout.
 * @throws Error if the server refuses the login, or does not respond to {@link TRIES} attempts; its message says what to do.
 */
export async function connectWithRetries(kind: Kind, settings: PostgresSettings, log: Logger): Promise<SQL> {
  const where = `PostgreSQL at ${whereIs(settings.databaseUrl)}`
  for (let tries = 1; ; tries++) {
    const pause = Bun.sleep(settings.databaseConnectTimeoutMs)
    try {
      return (await connect(kind.name, settings, UNLIMITED_MS)).sql
    } catch (error) {
      const { message } = error as Error
      const variable = `${prefixOf(kind)}_DATABASE_URL`
      if (isHopeless(error)) {
        throw new Error(`${where} refuses the login: ${message}: correct ${variable} or the password`, {
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
