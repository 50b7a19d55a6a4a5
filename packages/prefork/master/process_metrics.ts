/**
 * The metrics of processes on the page: CPU time, resident memory and open files of the whole cluster under the names that
 * Prometheus clients use for one process, and those of the master alone under names of their own.
 */
import { Counter, Gauge, type Registry } from '@bun-monitoring/metrics'
import { readProcStat } from '@bun-monitoring/metrics/proc_stat'
import { type ProcessFacts, readFileLimit, readProcess } from '../shared/procfs.ts'

/** CPU time in microseconds. */
export interface CpuTime {
  userUs: number
  systemUs: number
}

export interface ProcessSources {
  /** The living workers. */
  pids(): readonly number[]
  /** CPU time of the workers that have ended. */
  endedCpu(): CpuTime
}

export function publishProcessMetrics(registry: Registry, sources: ProcessSources): void {
  // Not through prom-client, as in a process without workers: it would take 8 MB of the master's memory.
  const total = (seconds: (cpu: CpuTime) => number, name: string, help: string) =>
    counter(registry, name, help, () => seconds(clusterCpu(sources)))
  total(
    ({ userUs }) => userUs / 1e6,
    'process_cpu_user_seconds_total',
    'User CPU time of all processes of the cluster',
  )
  total(
    ({ systemUs }) => systemUs / 1e6,
    'process_cpu_system_seconds_total',
    'System CPU time of all processes of the cluster',
  )
  total(
    ({ userUs, systemUs }) => (userUs + systemUs) / 1e6,
    'process_cpu_seconds_total',
    'User and system CPU time of all processes of the cluster',
  )
  const sum = (key: keyof ProcessFacts) =>
    [process.pid, ...sources.pids()].reduce((rest, pid) => rest + (readProcess(pid)?.[key] ?? 0), 0)
  gauge(
    registry,
    'process_resident_memory_bytes',
    'Resident memory of all processes of the cluster; shared pages count in each',
    () => sum('rssBytes'),
  )
  gauge(registry, 'process_open_fds', 'Open file descriptors of all processes of the cluster', () =>
    sum('openFiles'),
  )

  gauge(registry, 'process_start_time_seconds', 'Start of the master, in seconds since the epoch', () =>
    Math.floor(performance.timeOrigin / 1000),
  )
  gauge(registry, 'process_max_fds', 'Limit of open file descriptors of each process', readFileLimit)
  const ofMaster = (key: keyof ProcessFacts) => readProcess(process.pid)?.[key] ?? 0
  counter(
    registry,
    'process_master_cpu_seconds_total',
    'User and system CPU time of the master',
    () => ofMaster('cpuUs') / 1e6,
  )
  gauge(registry, 'process_master_resident_memory_bytes', 'Resident memory of the master', () =>
    ofMaster('rssBytes'),
  )
  gauge(registry, 'process_master_open_fds', 'Open file descriptors of the master', () =>
    ofMaster('openFiles'),
  )
}

function clusterCpu({ pids, endedCpu }: ProcessSources): CpuTime {
  const living = [process.pid, ...pids()].map(readProcStat)
  return [endedCpu(), ...living].reduce<CpuTime>(
    (sum, each) => ({
      userUs: sum.userUs + (each?.userUs ?? 0),
      systemUs: sum.systemUs + (each?.systemUs ?? 0),
    }),
    { userUs: 0, systemUs: 0 },
  )
}

/** The value never falls: /proc counts in ticks, and knows a worker no more a moment before its end is noticed. */
function counter(registry: Registry, name: string, help: string, read: () => number): void {
  let shown = 0
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      const now = Math.max(shown, read())
      this.inc(now - shown)
      shown = now
    },
  })
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}
