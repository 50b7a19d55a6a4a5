/**
 * Runs a server as a process family. The one program is master and worker: who it is this time is in its environment.
 * See lead.ts for the one, work.ts for the other, single.ts for a family of one process.
 */
import { ConfigError, type ProcessConfig } from './config.ts'
import { EXIT } from './exit.ts'
import type { Family } from './family.ts'
import { createLogger } from './logger.ts'
import { lead } from './lead.ts'
import { takeRole } from './messages.ts'
import { runSingle } from './single.ts'
import { work } from './work.ts'

/**
 * Runs the family until it is told to stop. The entry file does nothing else, as each worker runs it from the start.
 * @returns the exit code, one of {@link EXIT}.
 */
export async function run<Config extends ProcessConfig>(family: Family<Config>): Promise<number> {
  const role = takeRole(process.env)
  const config = configOf(family, role !== undefined)
  if (!config) return EXIT.badConfig
  const log = createLogger(family.name, config.logLevel, role?.slot)
  if (role) return work(family, config, role, log)
  return config.workers === 0 ? runSingle(family, config, log) : lead(family, config, log)
}

/** Prints what is wrong with the configuration, all of it, and gives none. */
function configOf<Config extends ProcessConfig>(
  family: Family<Config>,
  isWorker: boolean,
): Config | undefined {
  try {
    return family.config()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const lines = error.problems.map((problem) => `  ${problem}`)
    console.error([`${family.name}: the configuration is wrong`, ...lines].join('\n'))
    if (isWorker) process.send!({ type: 'failed', message: error.problems.join('; ') })
    return undefined
  }
}
