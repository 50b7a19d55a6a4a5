/** Which database a service has: that of `DATABASE_URL`, else a SQLite file. */
import type { Registry } from '@bun-monitoring/metrics'
import type { Logger } from '@bun-monitoring/prefork'
import type { ServiceConfig } from './config.ts'
import type { Kind } from './kind.ts'
import { postgresDatabase } from './postgres/database.ts'
import { sqliteDatabase } from './sqlite/database.ts'
import type { Awaitable, Store } from './store.ts'

export interface Database {
  /**
   * Applies what is missing.
   * @returns the names of the migrations that this call applied.
   */
  migrate(log: Logger): Awaitable<string[]>
  open(registry: Registry, log: Logger): Store
}

export function databaseOf(kind: Kind, config: ServiceConfig): Database {
  const { databaseUrl } = config
  if (databaseUrl === undefined) return sqliteDatabase(kind, config.databasePath)
  return postgresDatabase(kind, { ...config, databaseUrl })
}
