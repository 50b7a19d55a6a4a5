/**
 * What the services dogs and cats are made of: a REST API over one SQLite table, measured, documented, run as a process
 * family. A service says what its kind is and calls `runService`.
 */
import { type Environment, run, type Served, serveHttp, type Worker } from '@bun-monitoring/prefork'
import { petsApp } from './app.ts'
import { type ServiceConfig, serviceConfig } from './config.ts'
import { openDatabase, serveWith } from './database.ts'
import { type Kind, prefixOf } from './kind.ts'
import { migrate, migrationsOf, publishMigrations } from './migrations.ts'
import { Store } from './store.ts'

export { serviceSettings } from './config.ts'
export type { Kind } from './kind.ts'

/** Longer than any idle time of the gateway's connection pool, so that the gateway closes first. */
const IDLE_TIMEOUT_SECONDS = 75

/** Pages are rendered by another process, which has no database: rows are counted for it where they changed. */
const COUNT_ROWS_EVERY_MS = 1000

/** Above any body limit that can be configured: ours must answer, not Bun's, which gives no reason. */
const BUN_BODY_BYTES = 2 ** 40

/**
 * Runs the service of a kind until it is told to stop.
 * @returns the exit code.
 */
export const runService = (kind: Kind, version: string, env: Environment): Promise<number> =>
  run<ServiceConfig>({
    name: kind.name,
    version,
    prefix: prefixOf(kind),
    config: () => serviceConfig(kind, env),
    prepare(config) {
      using db = openDatabase(config.databasePath)
      migrate(db, migrationsOf(kind))
    },
    serve: (config, worker) => serve(kind, version, config, worker),
  })

function serve(kind: Kind, version: string, config: ServiceConfig, worker: Worker): Served {
  const { registry, tally, log, addresses } = worker
  const db = openDatabase(config.databasePath)
  publishMigrations(db, migrationsOf(kind), registry)
  serveWith(db)
  const store = new Store(kind, db, registry)
  const counting = setInterval(() => store.countRows(), COUNT_ROWS_EVERY_MS)
  const app = petsApp({
    kind,
    version,
    store,
    limits: config,
    faults: config,
    registry,
    tally,
    log,
  }).compile()
  return serveHttp(addresses, {
    fetch: app.fetch,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    maxRequestBodySize: BUN_BODY_BYTES,
    close() {
      clearInterval(counting)
      store.close()
    },
  })
}
