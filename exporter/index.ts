/** The exporter publishes stats of process clusters as Prometheus metrics and as a live page. Its flags are in config/settings.ts. */
import { EXIT, exitOnUncaughtErrors, stopSignals } from '@bun-monitoring/prefork'
import { readConfig } from './config/config.ts'
import { openLog } from './config/log.ts'
import { VERSION } from './config/version.ts'
import { WebConfigError } from './config/web_config.ts'
import { CannotListen } from './web/listener.ts'
import { serve } from './web/server.ts'

/** After the signal to stop, requests in progress may take this long; a slow client or scrape could take minutes. */
const STOP_WITHIN_MS = 5000

process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  const invocation = readConfig(args)
  if ('print' in invocation) {
    process.stdout.write(invocation.print)
    return EXIT.ok
  }
  if ('problems' in invocation) return reportProblems('the command line is wrong', invocation.problems)

  const { config } = invocation
  const log = openLog(config.logFormat, config.logLevel)
  exitOnUncaughtErrors(log)
  const signals = stopSignals()
  const server = await serve(config, log).catch((error: unknown) => {
    if (error instanceof WebConfigError || error instanceof CannotListen) return error
    throw error
  })
  if (server instanceof WebConfigError)
    return reportProblems(`${config.webConfigFile} is wrong`, server.problems)
  if (server instanceof CannotListen) {
    console.error(`exporter: ${server.message}`)
    return EXIT.couldNotStart
  }

  const { urls } = server
  const targets = config.targets.map(({ label }) => label)
  // Logged at any level: the program that started this process waits for this line.
  log[config.logLevel]({ url: urls[0], urls, version: VERSION, targets }, 'ready')
  const signal = await signals.drain
  log.info({ signal }, 'stopping')
  await Promise.race([server.stop(), signals.now, Bun.sleep(STOP_WITHIN_MS)])
  return EXIT.ok
}

function reportProblems(summary: string, problems: readonly string[]): number {
  console.error([`exporter: ${summary}`, ...problems.map((line) => `  ${line}`)].join('\n'))
  return EXIT.badConfig
}
