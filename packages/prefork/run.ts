/**
 * Runs a server as a process family: what it does before it serves, what it serves, its admin server and its end.
 * So far a family is one process (`WORKERS=0`): the app runs here, as worker 1, beside the admin server.
 */
import { measureEventLoop, page, publishAppInfo, publishProcess, Registry } from '@bun-monitoring/metrics'
import { adminHandler, type AdminSources } from './admin.ts'
import { bind, StartError } from './bind.ts'
import { ConfigError, type ProcessConfig } from './config.ts'
import { EXIT } from './exit.ts'
import { createLogger } from './logger.ts'
import { familyFacts, type FamilyState } from './facts.ts'
import { type StopSignals, stopSignals } from './signals.ts'
import { statsDocument } from './stats.ts'
import { RequestTally } from './tally.ts'
import type { Served, Worker } from './worker.ts'

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
  const state: FamilyState = { startedEpochMs: Date.now(), served: undefined, isDraining: false }
  const loop = measureEventLoop(registry)
  publishAppInfo(registry, family)
  publishProcess(registry)

  let admin: Bun.Server<undefined> | undefined
  try {
    admin = await bind(family.prefix, 'admin', config, () =>
      serveAdmin(config, {
        metrics: async (request) => page(await registry.families(), request),
        stats: () => statsDocument(familyFacts(family, state, worker.tally, loop)),
        notReady: () => whyNotReady(family.name, state),
      }),
    )
    family.prepare?.(config, registry)
    state.served = await bind(family.prefix, 'traffic', config, () => family.serve(config, worker))
  } catch (error) {
    if (error instanceof StartError) log.fatal(error.message)
    else log.fatal({ err: error }, `${family.name} could not start: ${(error as Error).message}`)
    await admin?.stop(true)
    return EXIT.couldNotStart
  }

  const url = `http://${state.served.hostname}:${state.served.port}`
  // Said at any level: whoever started this process waits for it.
  log[config.logLevel]({ url, admin: `http://${config.adminHost}:${admin.port}` }, 'ready')

  const signal = await signals.drain
  state.isDraining = true
  log.info({ signal, inFlight: worker.tally.inFlight, drainMs: config.drainMs }, 'draining')
  const cutOff = await drain(state.served, config.drainMs, signals.now)
  if (cutOff) {
    log.warn({ inFlight: worker.tally.inFlight, because: cutOff }, 'requests were cut off')
    await state.served.stop(true)
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
    const lines = error.problems.map((problem) => `  ${problem}`)
    console.error([`${family.name}: the configuration is wrong`, ...lines].join('\n'))
    return undefined
  }
}

function serveAdmin({ adminHost, adminPort }: ProcessConfig, sources: AdminSources): Bun.Server<undefined> {
  return Bun.serve({
    hostname: adminHost,
    port: adminPort,
    // Left out, Bun shares a port that is taken, and every second request goes astray.
    reusePort: false,
    development: false,
    fetch: adminHandler(sources),
  })
}

function whyNotReady(name: string, { served, isDraining }: FamilyState): string | undefined {
  if (isDraining) return `${name} is stopping`
  return served ? undefined : `${name} is starting`
}

/** Resolves when everything is answered, or else with why there is no more waiting. */
async function drain(
  served: Served,
  drainMs: number,
  now: Promise<NodeJS.Signals>,
): Promise<string | undefined> {
  const deadline = Promise.withResolvers<string>()
  const timer = setTimeout(() => deadline.resolve('deadline'), drainMs)
  const answered = served.stop(false).then(() => undefined)
  return Promise.race([answered, deadline.promise, now]).finally(() => clearTimeout(timer))
}
