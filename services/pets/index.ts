/**
 * The common program of the services dogs and cats: a REST API over one table, with metrics and API docs, run by a master
 * and workers. A service declares its kind and calls `runService`.
 */
import {
  createLogger,
  type Environment,
  type Logger,
  run,
  type Served,
  serveHttp,
  type Worker,
} from '@bun-monitoring/prefork'
import { adminOf, hostsOf, type ServiceConfig, serviceConfig } from './config.ts'
import { databaseOf } from './database.ts'
import { petsApp } from './app.ts'
import { type Kind, prefixOf } from './model/kind.ts'
import type { Store } from './store/store.ts'

export { serviceSettings } from './config.ts'
export type { Kind } from './model/kind.ts'

/** Longer than the idle time of the gateway's connection pool, so that the gateway closes first. */
const IDLE_TIMEOUT_SECONDS = 75

/** The master renders the metrics and has no database, so workers publish the number of rows at this interval. */
const PUBLISH_EVERY_MS = 1000

/** Counting a large table takes time: it may take at most one part in `PUBLISH_SHARE` of a worker's time. */
const PUBLISH_SHARE = 20

/** Above any `BODY_BYTES`: Bun's own limit responds without a reason. */
const BUN_BODY_BYTES = 2 ** 40

/**
 * Runs the service of a kind until a signal stops it.
 * @returns the exit code.
 */
export const runService = (kind: Kind, version: string, env: Environment): Promise<number> =>
  run<ServiceConfig>({
    name: kind.name,
    version,
    prefix: prefixOf(kind),
    config: () => serviceConfig(kind, env),
    async prepare(config) {
      await databaseOf(kind, config).migrate(createLogger(kind.name, config.logLevel))
    },
    notReady: (config) => databaseOf(kind, config).notReady?.(),
    serve: (config, worker) => serve(kind, version, config, worker),
  })

async function serve(kind: Kind, version: string, config: ServiceConfig, worker: Worker): Promise<Served> {
  const { registry, tally, log, addresses } = worker
  const store = databaseOf(kind, config).open(registry, log)
  const stopPublishing = await keepPublishing(store, log)
  const app = petsApp({
    kind,
    version,
    store,
    limits: config,
    hosts: hostsOf(config),
    publicPath: config.publicPath,
    admin: adminOf(config),
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
      stopPublishing()
      store.close()
    },
  })
}

/** Publishes the numbers of the store at once and then at intervals; if the store fails, the last numbers stay. */
async function keepPublishing(store: Store, log: Logger): Promise<() => void> {
  let timer: Timer | undefined
  let isStopped = false
  const publish = async () => {
    const startedMs = performance.now()
    try {
      await store.publish()
    } catch (error) {
      log.debug({ err: error }, 'rows could not be counted')
    }
    const tookMs = performance.now() - startedMs
    if (!isStopped) timer = setTimeout(publish, Math.max(PUBLISH_EVERY_MS, PUBLISH_SHARE * tookMs))
  }
  await publish()
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}
