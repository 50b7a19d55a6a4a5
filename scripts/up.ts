/**
 * `bun run up`: installs, starts the whole stack, prints its addresses, and stops it all on Ctrl+C. With --free-ports a second stack
 * runs beside the first. Only builtins are imported before the packages are installed.
 */
import { install } from './install.ts'

const HELP = `bun run up [--free-ports]

Starts the whole stack. Settings are environment variables: docs/settings.md

  --free-ports  takes free ports instead of those of the settings, for a second stack beside the first
  --help        prints this text`

process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg !== '--free-ports')) {
    console.log(HELP)
    return args[0] === '--help' ? 0 : 2
  }
  if (!(await install())) return 1
  const { stopSignals } = await import('@bun-monitoring/prefork')
  const { NotStarted } = await import('./child.ts')
  const { Stack } = await import('./stack.ts')
  const { bunOf, welcome } = await import('./welcome.ts')
  const { services } = await import('../services/names.ts')
  const { setAdminPassword } = await import('../services/pets/admin/password.ts')

  const signals = stopSignals()
  const adminPassword = await setAdminPassword(
    Bun.env,
    services.map((name) => name.toUpperCase()),
  )
  const stack = new Stack({ hasFreePorts: args.length > 0, print: (line) => console.log(line) })
  // Closing the terminal does the same as Ctrl+C.
  process.on('SIGHUP', () => process.emit('SIGTERM'))
  const stopped = signals.drain.then(() => 'stopped' as const)
  void signals.now.then(() => stack.kill())
  let problem: string | undefined
  try {
    const started = await Promise.race([stack.start(), stopped])
    if (started === 'stopped') return 0
    console.log(welcome(started))
    if (adminPassword !== undefined) {
      console.log(
        `  admin pages ${services.map((name) => `${started.gateway}/${name}/admin/`).join(' ')}: user admin, password ${adminPassword} (for this run)\n`,
      )
    }
    const end = await Promise.race([stopped, stack.brokeDown])
    if (end === 'stopped') return 0
    console.error(`\n${end}: stopping the rest`)
    return 1
  } catch (error) {
    problem = (error as Error).message
    if (/port \d+ is taken/.test(problem)) problem += `\nor use free ports: ${bunOf()} run up --free-ports`
    return error instanceof NotStarted ? error.exitCode : 1
  } finally {
    await stack.stop()
    // After the lines of the processes that stop, so that it is the last one.
    if (problem !== undefined) console.error(`\n${problem}`)
  }
}
