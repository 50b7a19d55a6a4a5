/** The exporter publishes stats of process clusters as Prometheus metrics and as a live page. Its flags are in config/settings.ts. */
import { EXIT, exitOnUncaughtErrors, stopSignals } from '@bun-monitoring/prefork'
import { readConfig } from './config/config.ts'
import { openLog } from './config/log.ts'
import type { ListenAddress } from './config/settings.ts'
import { VERSION } from './config/version.ts'
import { WebConfigError } from './config/web_config.ts'
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
  const server = await serve(config, log).catch((error: Error) => error)
  if (server instanceof WebConfigError)
    return reportProblems(`${config.webConfigFile} is wrong`, server.problems)
  if (server instanceof Error) {
    console.error(`exporter: ${whyNotListening(server, config.listen)}`)
    return EXIT.couldNotStart
  }

  const scheme = server.isTls ? 'https' : 'http'
  const targets = config.targets.map(({ label }) => label)
  // Logged at any level: the program that started this process waits for this line.
  log[config.logLevel](
    { url: `${scheme}://${hostToOpen(config.listen)}:${server.port}`, version: VERSION, targets },
    'ready',
  )
  const signal = await signals.drain
  log.info({ signal }, 'stopping')
  await Promise.race([server.stop(), signals.now, Bun.sleep(STOP_WITHIN_MS)])
  return EXIT.ok
}

function reportProblems(summary: string, problems: readonly string[]): number {
  console.error([`exporter: ${summary}`, ...problems.map((line) => `  ${line}`)].join('\n'))
  return EXIT.badConfig
}

function whyNotListening(error: Error & { code?: string }, { hostname = '', port }: ListenAddress): string {
  const advice = 'give another with --web.listen-address'
  if (error.code === 'EADDRINUSE') return `port ${port} is taken: stop what listens on it or ${advice}`
  return `cannot listen on ${hostname}:${port} (${error.code ?? error.message}): ${advice}`
}

/** A host for the URL: an address that stands for all interfaces cannot be opened in a browser. */
function hostToOpen({ hostname = '0.0.0.0' }: ListenAddress): string {
  if (hostname === '0.0.0.0' || hostname === '::') return '127.0.0.1'
  return hostname.includes(':') ? `[${hostname}]` : hostname
}
