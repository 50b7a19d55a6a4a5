/** The metrics of processes are those of the whole cluster, and never fall. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { readProcStat } from '@bun-monitoring/metrics/proc_stat'
import { Registry, renderText } from '@bun-monitoring/metrics'
import { readFileLimit, readProcess } from '../shared/procfs.ts'
import { sumOf, Toys } from '../testdata/toys.ts'
import { type CpuTime, publishProcessMetrics } from './process_metrics.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

/** Between two looks at a process its memory may change. */
const BYTES_ASIDE = 64 * 1024 * 1024
const FILES_ASIDE = 20

/** CPU time of a worker before its end. */
const SPENT_US = 500_000

test('CPU time, memory and open files are sums over master and workers, those of the master are apart', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '3' })
  await cluster.ready()
  const pids = [cluster.pid, ...(await cluster.pids())]
  const facts = pids.map((pid) => readProcess(pid)!)
  const page = await cluster.page()
  const total = (key: 'rssBytes' | 'openFiles' | 'cpuUs') => facts.reduce((sum, each) => sum + each[key], 0)
  expect(pids).toHaveLength(4)
  expect(Math.abs(sumOf(page, 'process_resident_memory_bytes') - total('rssBytes'))).toBeLessThan(BYTES_ASIDE)
  expect(Math.abs(sumOf(page, 'process_open_fds') - total('openFiles'))).toBeLessThan(FILES_ASIDE)
  const seconds = sumOf(page, 'process_cpu_seconds_total')
  // A sum of fractions: exact to a microsecond.
  expect(seconds).toBeGreaterThan((total('cpuUs') - 1) / 1e6)
  expect(seconds).toBeLessThan(total('cpuUs') / 1e6 + 2)
  expect(
    sumOf(page, 'process_cpu_user_seconds_total') + sumOf(page, 'process_cpu_system_seconds_total'),
  ).toBeCloseTo(seconds, 1)

  const [master] = facts
  expect(Math.abs(sumOf(page, 'process_master_resident_memory_bytes') - master!.rssBytes)).toBeLessThan(
    BYTES_ASIDE,
  )
  expect(Math.abs(sumOf(page, 'process_master_open_fds') - master!.openFiles)).toBeLessThan(FILES_ASIDE)
  expect(sumOf(page, 'process_master_cpu_seconds_total')).toBeLessThan(seconds)
  expect(sumOf(page, 'process_max_fds')).toBeGreaterThan(0)
  expect(sumOf(page, 'process_start_time_seconds')).toBeGreaterThan(Date.now() / 1000 - 60)
})

test('CPU time of workers that have ended stays counted', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_HARAKIRI_MS: '0' })
  const { url } = await cluster.ready()
  const [blocked] = await cluster.pids()
  void fetch(`${url}/block`).catch(() => {})
  // A busy machine gives it less CPU time than the time that passes.
  while (readProcStat(blocked!)!.userUs < SPENT_US) await Bun.sleep(20)
  const kill = async (pid: number) => {
    process.kill(pid, 'SIGKILL')
    await cluster.until(
      'the next worker',
      ({ workers }) => workers[0]!.pid !== pid && workers[0]!.accepting === 1,
    )
  }
  const userUs = async () => 1e6 * sumOf(await cluster.page(), 'process_cpu_user_seconds_total')
  await kill(blocked!)
  const living = [cluster.pid, ...(await cluster.pids())].map((pid) => readProcStat(pid)!.userUs)
  let last = await userUs()
  // A sum of fractions: exact to a microsecond.
  expect(last).toBeGreaterThan(SPENT_US + living.reduce((sum, each) => sum + each) - 1)
  for (let round = 0; round < 3; round++) {
    await kill((await cluster.pids())[0]!)
    const now = await userUs()
    expect(now).toBeGreaterThanOrEqual(last)
    last = now
  }
})

/** The page of a master without workers, or with some processes as its workers. */
function published(endedCpu: () => CpuTime, pids: readonly number[] = []) {
  const registry = new Registry()
  publishProcessMetrics(registry, { pids: () => pids, endedCpu })
  return async () => {
    const page = renderText(await registry.families())
    return (name: string) => sumOf(page, `process_${name}`)
  }
}

test('CPU time is in seconds, user and system apart and together, of ended workers too', async () => {
  const read = await published(() => ({ userUs: 5e9, systemUs: 7e9 }))()
  const own = readProcStat(process.pid)!
  const between = (value: number, least: number) => {
    expect(value).toBeGreaterThan(least - 0.1)
    expect(value).toBeLessThan(least + 60)
  }
  between(read('cpu_user_seconds_total'), 5000 + own.userUs / 1e6)
  between(read('cpu_system_seconds_total'), 7000 + own.systemUs / 1e6)
  between(read('cpu_seconds_total'), 12_000 + own.cpuUs / 1e6)
  between(read('master_cpu_seconds_total'), own.cpuUs / 1e6)
})

test('a value that is smaller for a moment is shown as before', async () => {
  let userUs = 5e9
  const look = published(() => ({ userUs, systemUs: 0 }))
  const first = (await look())('cpu_user_seconds_total')
  userUs = 0
  expect((await look())('cpu_user_seconds_total')).toBe(first)
  userUs = 6e9
  expect((await look())('cpu_user_seconds_total')).toBeGreaterThanOrEqual(6000)
})

test('memory and files are those of all processes, and of the master alone', async () => {
  await using worker = Bun.spawn(['sh', '-c', 'echo started && read -r _'], { stdin: 'pipe', stdout: 'pipe' })
  // While a program starts, it opens and closes files.
  await worker.stdout.getReader().read()
  const lookAlone = published(() => ({ userUs: 0, systemUs: 0 }))
  const lookAtBoth = published(() => ({ userUs: 0, systemUs: 0 }), [worker.pid, 2 ** 22 + 1])
  let [alone, both, later] = [await lookAlone(), await lookAtBoth(), await lookAlone()]
  // A connection of an earlier test may close meanwhile: then the numbers say nothing.
  while (alone('open_fds') !== later('open_fds'))
    [alone, both, later] = [await lookAlone(), await lookAtBoth(), await lookAlone()]
  const { openFiles, rssBytes } = readProcess(worker.pid)!
  expect(both('open_fds') - alone('open_fds')).toBe(openFiles)
  expect(Math.abs(both('resident_memory_bytes') - alone('resident_memory_bytes') - rssBytes)).toBeLessThan(
    BYTES_ASIDE,
  )
  expect(both('master_open_fds')).toBe(alone('open_fds'))
  expect(Math.abs(both('master_resident_memory_bytes') - alone('resident_memory_bytes'))).toBeLessThan(
    BYTES_ASIDE,
  )
  expect(alone('max_fds')).toBe(readFileLimit())
  expect(alone('start_time_seconds')).toBe(Math.floor(performance.timeOrigin / 1000))
})
