/**
 * What the services dogs and cats are made of: a REST API over one table, measured, documented, run as a process
 * family. A service says what its kind is and calls `runService`.
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
import { petsApp } from './app.ts'
import { type ServiceConfig, serviceConfig } from './config.ts'
import { databaseOf } from './database.ts'
import { type Kind, prefixOf } from './kind.ts'
import type { Store } from './store.ts'

export { serviceSettings } from './config.ts'
export type { Kind } from './kind.ts'

/** Longer than any idle time of the gateway's connection pool, so that the gateway closes first. */
const IDLE_TIMEOUT_SECONDS = 75

/** Pages are rendered by another process, which has no database: rows are counted for it where they changed. */
const PUBLISH_EVERY_MS = 1000

/** Counting a large table takes time: at most one part in so many is spent on it. */
const PUBLISH_SHARE = 20

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
    async prepare(config) {
      await databaseOf(kind, config).migrate(createLogger(kind.name, config.logLevel))
    },
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

/** Publishes now and again and again, for as long as the store can; where it cannot, the last numbers stay. */
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
