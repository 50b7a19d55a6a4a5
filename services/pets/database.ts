/** Chooses the database of a service: PostgreSQL if `DATABASE_URL` is set, else a SQLite file. */
import type { ServiceConfig } from './config.ts'
import type { Kind } from './model/kind.ts'
import { postgresDatabase } from './postgres/database.ts'
import { sqliteDatabase } from './sqlite/database.ts'
import type { Database } from './store/store.ts'

export function databaseOf(kind: Kind, config: ServiceConfig): Database {
  const { databaseUrl } = config
  if (databaseUrl === undefined) return sqliteDatabase(kind, config.databasePath)
  return postgresDatabase(kind, { ...config, databaseUrl })
}
