/**
 * Readers of uWSGI's stats can read ours, also while workers are killed, hang and are reloaded: uwsgitop, and a reader as
 * strict as uwsgi_exporter, which is written in Go: each number an integer, each id once, each key of the right type.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import type { StatsDocument } from './stats_document.ts'
import { Toys } from '../testdata/toys.ts'
import { isExpected } from '../testing.ts'
import { Load } from '../testing_load.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const isUwsgitopExpected = isExpected(
  Bun.which('uwsgitop') !== null,
  'uwsgitop is not on PATH (pip install uwsgitop), so it does not read our stats',
)

const INTEGERS = {
  top: ['listen_queue', 'listen_queue_errors', 'signal_queue', 'load', 'pid', 'uid', 'gid'],
  socket: ['queue', 'max_queue', 'shared', 'can_offload'],
  worker: (
    'id pid accepting requests delta_requests exceptions harakiri_count signals signal_queue rss vsz ' +
    'running_time last_spawn respawn_count tx avg_rt'
  ).split(' '),
}

/** The reasons why a strict reader would refuse the document. */
function faultsOf(text: string): string[] {
  const stats = JSON.parse(text) as StatsDocument
  const faults: string[] = []
  const integers = (where: string, value: object, keys: readonly string[]) => {
    for (const key of keys) {
      const number = (value as Record<string, unknown>)[key]
      if (!Number.isSafeInteger(number) || (number as number) < 0)
        faults.push(`${where}.${key} is ${String(number)}`)
    }
  }
  integers('top', stats, INTEGERS.top)
  for (const socket of stats.sockets) integers('socket', socket, INTEGERS.socket)
  for (const worker of stats.workers) {
    integers(`worker ${worker.id}`, worker, INTEGERS.worker)
    if (!['idle', 'busy', 'cheap'].includes(worker.status)) faults.push(`status ${worker.status}`)
    for (const [reason, count] of Object.entries(worker.exits)) integers(reason, { count }, ['count'])
  }
  const ids = stats.workers.map(({ id }) => id)
  if (
    !Bun.deepEquals(
      ids,
      ids.map((_, index) => index + 1),
    )
  )
    faults.push(`ids are ${ids.join(', ')}`)
  if (/[0-9]\.[0-9]+[,}\]]/.test(text)) faults.push('a number has a fraction')
  return faults
}

test('a strict reader finds no fault at any time, and no content of a request', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOYS_HARAKIRI_MS: '5000' })
  const { admin, url } = await cluster.ready()
  await using _ = new Load(
    { hostname: '127.0.0.1', port: await cluster.port() },
    { connections: 4, repeatGets: true, pauseMs: 1 },
  )
  const seen = new Set<string>()
  const read = async () => {
    const response = await fetch(`${admin}/stats`)
    return { type: response.headers.get('content-type'), text: await response.text() }
  }
  const check = ({ type, text }: Awaited<ReturnType<typeof read>>) => {
    expect(type).toBe('application/json')
    expect(faultsOf(text)).toEqual([])
    expect(text).not.toContain('secret')
    for (const { state } of (JSON.parse(text) as StatsDocument).workers) seen.add(state)
  }
  const look = async () => check(await read())
  const blocked = fetch(`${url}/block?secret`, { headers: { Cookie: 'secret' } }).catch(() => {})
  while (cluster.lines('harakiri').length === 0) await look()
  await blocked
  while (!(await cluster.stats()).workers.every(({ accepting }) => accepting)) await look()
  process.kill((await cluster.worker(1)).pid, 'SIGKILL')
  cluster.signal('SIGHUP')
  while (cluster.lines('reloaded').length === 0) await look()
  cluster.signal('SIGTERM')
  await cluster.line('draining')
  for (;;) {
    const last = await read().catch(() => undefined)
    if (!last) break
    check(last)
  }
  expect(seen).toContain('hung')
  expect(seen).toContain('starting')
  expect(seen).toContain('ready')
})

test.skipIf(!isUwsgitopExpected)(
  'uwsgitop shows the workers while they are killed and reloaded',
  async () => {
    await using cluster = new Toys({ TOYS_WORKERS: '2' })
    const { admin } = await cluster.ready()
    await using _ = new Load(
      { hostname: '127.0.0.1', port: await cluster.port() },
      { connections: 4, repeatGets: true, pauseMs: 1 },
    )
    let screen = ''
    const decoder = new TextDecoder()
    const top = Bun.spawn(['uwsgitop', '--frequency', '1', `${admin}/stats`], {
      env: { ...Bun.env, TERM: 'xterm' },
      terminal: { cols: 200, rows: 40, data: (_terminal, bytes) => void (screen += decoder.decode(bytes)) },
    })
    const shows = async (text: string) => {
      while (!screen.includes(text) && top.exitCode === null) await Bun.sleep(10)
      expect(screen).toContain(text)
    }
    await shows(String((await cluster.worker(2)).pid))
    process.kill((await cluster.worker(1)).pid, 'SIGKILL')
    await cluster.until('the worker to come back', ({ workers }) =>
      workers.every(({ accepting }) => accepting === 1),
    )
    await shows(String((await cluster.worker(1)).pid))
    cluster.signal('SIGHUP')
    await cluster.line('reloaded')
    await shows(String((await cluster.worker(2)).pid))
    top.terminal!.write('q')
    expect(await top.exited).toBe(0)
    expect(screen).toContain(`masterpid: ${cluster.pid}`)
    expect(screen).not.toContain('Traceback')
  },
)
