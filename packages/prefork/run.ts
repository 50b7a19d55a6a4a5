/**
 * Runs a server as a cluster. The same program is the master and each worker; a variable in the environment tells which.
 * See master/run_master.ts for the one, worker/run_worker.ts for the other, run_single.ts for `WORKERS=0`.
 */
import { runMaster } from './master/run_master.ts'
import { runSingle } from './run_single.ts'
import { addressProblems } from './shared/address_settings.ts'
import type { Cluster } from './shared/cluster.ts'
import { ConfigError, type ProcessConfig } from './shared/config.ts'
import { EXIT } from './shared/exit_codes.ts'
import { createLogger } from './shared/logger.ts'
import { takeRole } from './shared/messages.ts'
import { serviceLinks } from './shared/service_links.ts'
import { runWorker } from './worker/run_worker.ts'

const isWatched = process.execArgv.includes('--watch')

/**
 * Runs the cluster until it is told to stop. The entry file does nothing else, as each worker runs it from the start.
 * @returns the exit code, one of {@link EXIT}.
 */
export async function run<Config extends ProcessConfig>(cluster: Cluster<Config>): Promise<number> {
  const role = takeRole(process.env)
  const config = configOf(cluster, role !== undefined)
  if (!config) return EXIT.badConfig
  const log = createLogger(cluster.name, config.logLevel, role?.slot)
  if (role) return runWorker(cluster, config, role, log)
  const links = serviceLinks(cluster.prefix, process.env)
  if (links.length > 0) {
    log.info(
      `${links.join(', ')} are ignored: they are the variables of a Kubernetes Service. ` +
        'A pod with enableServiceLinks: false has none',
    )
  }
  if (isWatched && config.workers > 0) {
    log.info('bun --watch starts only this process anew: the app runs in it, as with WORKERS=0')
    return runSingle(cluster, { ...config, workers: 0 }, log)
  }
  return config.workers === 0 ? runSingle(cluster, config, log) : runMaster(cluster, config, log)
}

/** Prints all problems of the configuration. @returns undefined if there are any. */
function configOf<Config extends ProcessConfig>(
  cluster: Cluster<Config>,
  isWorker: boolean,
): Config | undefined {
  try {
    const config = cluster.config()
    const problems = addressProblems(config, cluster.prefix)
    if (problems.length > 0) throw new ConfigError(problems)
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const lines = error.problems.map((problem) => `  ${problem}`)
    console.error([`${cluster.name}: the configuration is wrong`, ...lines].join('\n'))
    if (isWorker) process.send!({ type: 'failed', message: error.problems.join('; ') })
    return undefined
  }
}
