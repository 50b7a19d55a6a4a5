/**
 * Runs a server as a process family: what it does before it serves, what it serves, its admin server and its end.
 * So far a family is one process (`WORKERS=0`): the app runs here, as worker 1, beside the admin server.
 */
import { measureEventLoop, page, publishAppInfo, publishProcess, Registry } from '@bun-monitoring/metrics'
import { adminHandler } from './admin.ts'
import { bind, StartError } from './bind.ts'
import { ConfigError, type ProcessConfig } from './config.ts'
import { EXIT } from './exit.ts'
import { createLogger, type Logger } from './logger.ts'
import { readListenOverflows, readListenQueue, readProcess } from './procfs.ts'
import { type StopSignals, stopSignals } from './signals.ts'
import { statsDocument } from './stats.ts'
import { RequestTally } from './tally.ts'

/** What a worker gets to serve with. */
export interface Worker {
  /** From 1. */
  id: number
  registry: Registry
  tally: RequestTally
  log: Logger
}

/** A server that takes traffic. */
export interface Served {
  hostname: string
  port: number
  /** Takes no new requests and resolves when those in flight are answered; with `force` it cuts them off. */
  stop(force: boolean): Promise<void>
}

export interface Family<Config extends ProcessConfig> {
  name: string
  version: string
  /** Prefix of the family's environment variables: messages name them. */
  prefix: string
  /** Throws a ConfigError when the environment is bad. */
  config: () => Config
  /** Runs once, before anything is served: migrations. */
  prepare?: (config: Config, registry: Registry) => void
  /** Serves traffic. An error here ends the family. */
  serve: (config: Config, worker: Worker) => Served | Promise<Served>
}

/**
 * Runs the family until it is told to stop.
 * @returns the exit code, one of {@link EXIT}.
 */
export async function run<Config extends ProcessConfig>(
  family: Family<Config>,
  signals: StopSignals = stopSignals(),
): Promise<number> {
  const config = configOf(family)
  if (!config) return EXIT.badConfig

  const log = createLogger(family.name, config.logLevel)
  const registry = new Registry()
  const worker: Worker = { id: 1, registry, tally: new RequestTally(), log }
  const startedEpochMs = Date.now()
  const loop = measureEventLoop(registry)
  publishAppInfo(registry, family)
  publishProcess(registry)
  let served: Served | undefined
  let isDraining = false

  const stats = () => {
    const nowMs = performance.now()
    const { tally } = worker
    return statsDocument({
      name: family.name,
      version: family.version,
      pid: process.pid,
      cwd: process.cwd(),
      sockets: served ? [listenSocket(served)] : [],
      listenOverflows: readListenOverflows(),
      workers: [
        {
          id: worker.id,
          pid: process.pid,
          isServing: served !== undefined,
          isDraining,
          startedEpochMs,
          requests: tally.requests,
          exceptions: tally.exceptions,
          sentBytes: tally.sentBytes,
          busyMs: tally.busyMs,
          inFlight: tally.inFlight,
          oldestRequestMs: tally.oldestMs(nowMs),
          heartbeatAgeMs: nowMs - loop.turnedMs,
          eventLoopLagMs: loop.lagMs,
          ...(readProcess(process.pid) ?? {
            rssBytes: process.memoryUsage.rss(),
            vszBytes: 0,
            cpuUs: 0,
            openFiles: 0,
          }),
        },
      ],
    })
  }
  const notReady = () => {
    if (isDraining) return `${family.name} is stopping`
    return served ? undefined : `${family.name} is starting`
  }

  let admin: ReturnType<typeof Bun.serve> | undefined
  try {
    admin = await bind(family.prefix, 'admin', config, () =>
      Bun.serve({
        hostname: config.adminHost,
        port: config.adminPort,
        // Left out, Bun shares a port that is taken, and every second request goes astray.
        reusePort: false,
        development: false,
        fetch: adminHandler({ metrics: () => page(registry), stats, notReady }),
      }),
    )
    family.prepare?.(config, registry)
    served = await bind(family.prefix, 'traffic', config, () => family.serve(config, worker))
  } catch (error) {
    log.fatal(error instanceof StartError ? error.message : { err: error }, `${family.name} could not start`)
    await admin?.stop(true)
    return EXIT.couldNotStart
  }

  const url = `http://${served.hostname}:${served.port}`
  // Said at any level: whoever started this process waits for it.
  log[config.logLevel]({ url, admin: `http://${config.adminHost}:${admin.port}` }, 'ready')

  const signal = await signals.drain
  isDraining = true
  log.info({ signal, inFlight: worker.tally.inFlight, drainMs: config.drainMs }, 'draining')
  const deadline = Promise.withResolvers<'deadline'>()
  const timer = setTimeout(() => deadline.resolve('deadline'), config.drainMs)
  const end = await Promise.race([served.stop(false).then(() => 'drained'), deadline.promise, signals.now])
  clearTimeout(timer)
  if (end !== 'drained') {
    log.warn({ inFlight: worker.tally.inFlight, because: end }, 'requests were cut off')
    await served.stop(true)
  }
  loop.stop()
  signals.dispose()
  await admin.stop(true)
  log.info('stopped')
  return EXIT.ok
}

/** Prints what is wrong with the configuration, all of it, and gives none. */
function configOf<Config extends ProcessConfig>(family: Family<Config>): Config | undefined {
  try {
    return family.config()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(
      [`${family.name}: the configuration is wrong`, ...error.problems.map((line) => `  ${line}`)].join('\n'),
    )
    return undefined
  }
}

function listenSocket({ hostname, port }: Served) {
  return { name: `${hostname}:${port}`, ...(readListenQueue(port) ?? { length: 0, limit: 0 }) }
}
