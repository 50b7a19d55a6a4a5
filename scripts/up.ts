/**
 * `bun run up`: installs, starts the whole stack, says where everything is, and stops it all on Ctrl+C. Only builtins are
 * imported before the packages are installed.
 */
import type { StackUrls } from './stack.ts'

process.exit(await main())

async function main(): Promise<number> {
  if (!(await install())) return 1
  const { stopSignals } = await import('@bun-monitoring/prefork')
  const { NotStarted } = await import('./child.ts')
  const { Stack } = await import('./stack.ts')

  const signals = stopSignals()
  const stack = new Stack({ print: (line) => console.log(line) })
  // A terminal that is closed asks for the same as Ctrl+C.
  process.on('SIGHUP', () => process.emit('SIGTERM'))
  const stopped = signals.drain.then(() => 'stopped' as const)
  void signals.now.then(() => stack.kill())
  try {
    const started = await Promise.race([stack.start(), stopped])
    if (started === 'stopped') return 0
    console.log(welcome(started))
    const end = await Promise.race([stopped, stack.brokeDown])
    if (end === 'stopped') return 0
    console.error(`\n${end}: stopping the rest`)
    return 1
  } catch (error) {
    console.error(`\n${(error as Error).message}`)
    return error instanceof NotStarted ? error.exitCode : 1
  } finally {
    await stack.stop()
  }
}

async function install(): Promise<boolean> {
  const { exited } = Bun.spawn([process.execPath, 'install', '--frozen-lockfile'], {
    stdout: 'ignore',
    stderr: 'inherit',
  })
  return (await exited) === 0
}

function welcome(urls: StackUrls): string {
  const rows = [
    ['gateway', `${urls.gateway}/`, 'start here: a page that links to everything'],
    ['dogs', `${urls.gateway}/dogs/`, `API docs at ${urls.gateway}/dogs/swagger`],
    ['cats', `${urls.gateway}/cats/`, `API docs at ${urls.gateway}/cats/swagger`],
    ['live page', `${urls.exporter}/`, 'workers, requests per second, latency, memory, as they are now'],
    ['Prometheus', urls.prometheus ?? 'not on PATH: see prometheus.io/download'],
    [
      'Grafana',
      urls.grafana ??
        'needs Prometheus, and its own program on PATH: see grafana.com/grafana/download, or use docker compose',
    ],
  ]
  const lines = rows.map(([name, url, note = '']) =>
    `  ${name!.padEnd(11)} ${url!.padEnd(30)}${note}`.trimEnd(),
  )
  return [
    '',
    'Everything is ready:',
    ...lines,
    '',
    `  graphs move when you push: k6 run -e SHAPE=stress k6/load_test.ts`,
    '  Ctrl+C stops everything',
    '',
  ].join('\n')
}
