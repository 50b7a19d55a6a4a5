/** The exporter: stats of process families, as Prometheus metrics and as a live page. Flags are in config.ts. */
import { createLogger, EXIT, stopSignals } from '@bun-monitoring/prefork'
import { type ListenAddress, readConfig, VERSION } from './config.ts'
import { serve } from './server.ts'

process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  const invocation = readConfig(args)
  if ('print' in invocation) {
    process.stdout.write(invocation.print)
    return EXIT.ok
  }
  if ('problems' in invocation) {
    console.error(
      ['exporter: the command line is wrong', ...invocation.problems.map((line) => `  ${line}`)].join('\n'),
    )
    return EXIT.badConfig
  }

  const { config } = invocation
  const log = createLogger('exporter', config.logLevel)
  const signals = stopSignals()
  const server = await serve(config, log).catch((error: Error) => {
    console.error(`exporter: ${whyNotListening(error, config.listen)}`)
  })
  if (!server) return EXIT.couldNotStart

  // Said at any level: whoever started this process waits for it.
  log[config.logLevel](
    { url: urlOf(config.listen, server.port), version: VERSION, targets: config.targets },
    'ready',
  )
  const signal = await signals.drain
  log.info({ signal }, 'stopping')
  await Promise.race([server.stop(), signals.now])
  return EXIT.ok
}

function whyNotListening(error: Error & { code?: string }, { hostname = '', port }: ListenAddress): string {
  const advice = 'give another with --web.listen-address'
  if (error.code === 'EADDRINUSE') return `port ${port} is taken: stop what listens on it or ${advice}`
  return `cannot listen on ${hostname}:${port} (${error.code ?? error.message}): ${advice}`
}

/** Where to look from this machine: an address that stands for all of its interfaces is none to look at. */
function urlOf({ hostname = '0.0.0.0' }: ListenAddress, port: number | undefined): string {
  const isEveryInterface = hostname === '0.0.0.0' || hostname === '::'
  const host = hostname.includes(':') ? `[${hostname}]` : hostname
  return `http://${isEveryInterface ? '127.0.0.1' : host}:${port}`
}
