/**
 * What the services dogs and cats are made of: a REST API over one SQLite table, measured, documented, run as a process
 * family. A service says what its kind is and calls `runService`.
 */
import { type Environment, run, type Served, type Worker } from '@bun-monitoring/prefork'
import { petsApp } from './app.ts'
import { type ServiceConfig, serviceConfig } from './config.ts'
import { openDatabase, serveWith } from './database.ts'
import { type Kind, prefixOf } from './kind.ts'
import { migrate, migrationsOf } from './migrations.ts'
import { Store } from './store.ts'

export { serviceSettings } from './config.ts'
export type { Kind } from './kind.ts'

/** Longer than any idle time of the gateway's connection pool, so that the gateway closes first. */
const IDLE_TIMEOUT_SECONDS = 75

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
    prepare(config, registry) {
      using db = openDatabase(config.databasePath)
      migrate(db, migrationsOf(kind), registry)
    },
    serve: (config, worker) => serve(kind, version, config, worker),
  })

function serve(kind: Kind, version: string, config: ServiceConfig, { registry, tally, log }: Worker): Served {
  const db = openDatabase(config.databasePath)
  serveWith(db)
  const store = new Store(kind, db, registry)
  const app = petsApp({ kind, version, store, limits: config, registry, tally, log }).compile()
  const server = Bun.serve({
    hostname: config.host,
    port: config.port,
    reusePort: false,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    maxRequestBodySize: BUN_BODY_BYTES,
    development: false,
    fetch: app.fetch,
  })
  return {
    hostname: config.host,
    port: server.port!,
    async stop(force) {
      await server.stop(force)
      store.close()
    },
  }
}
