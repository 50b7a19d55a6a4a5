/** The exporter: stats of process families, as Prometheus metrics and as a live page. Flags are in settings.ts. */
import { EXIT, stopSignals } from '@bun-monitoring/prefork'
import { readConfig } from './config.ts'
import { openLog } from './log.ts'
import { serve } from './server.ts'
import type { ListenAddress } from './settings.ts'
import { VERSION } from './version.ts'
import { WebConfigError } from './web_config.ts'

/** How long what is being answered may still take: a client that is slow to ask, or a scrape, may take minutes. */
const STOP_WITHIN_MS = 5000

process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  const invocation = readConfig(args)
  if ('print' in invocation) {
    process.stdout.write(invocation.print)
    return EXIT.ok
  }
  if ('problems' in invocation) return wrong('the command line is wrong', invocation.problems)

  const { config } = invocation
  const log = openLog(config.logFormat, config.logLevel)
  const signals = stopSignals()
  const server = await serve(config, log).catch((error: Error) => error)
  if (server instanceof WebConfigError) return wrong(`${config.webConfigFile} is wrong`, server.problems)
  if (server instanceof Error) {
    console.error(`exporter: ${whyNotListening(server, config.listen)}`)
    return EXIT.couldNotStart
  }

  const scheme = server.isTls ? 'https' : 'http'
  const targets = config.targets.map(({ label }) => label)
  // Said at any level: whoever started this process waits for it.
  log[config.logLevel](
    { url: `${scheme}://${hostToLookAt(config.listen)}:${server.port}`, version: VERSION, targets },
    'ready',
  )
  const signal = await signals.drain
  log.info({ signal }, 'stopping')
  await Promise.race([server.stop(), signals.now, Bun.sleep(STOP_WITHIN_MS)])
  return EXIT.ok
}

function wrong(what: string, problems: readonly string[]): number {
  console.error([`exporter: ${what}`, ...problems.map((line) => `  ${line}`)].join('\n'))
  return EXIT.badConfig
}

function whyNotListening(error: Error & { code?: string }, { hostname = '', port }: ListenAddress): string {
  const advice = 'give another with --web.listen-address'
  if (error.code === 'EADDRINUSE') return `port ${port} is taken: stop what listens on it or ${advice}`
  return `cannot listen on ${hostname}:${port} (${error.code ?? error.message}): ${advice}`
}

/** Where to look from this machine: an address that stands for all of its interfaces is none to look at. */
function hostToLookAt({ hostname = '0.0.0.0' }: ListenAddress): string {
  if (hostname === '0.0.0.0' || hostname === '::') return '127.0.0.1'
  return hostname.includes(':') ? `[${hostname}]` : hostname
}
