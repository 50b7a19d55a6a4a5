/**
 * CPU time, memory and open files of this process: those of prom-client's default metrics that are real on Bun. Others are
 * constant or wrong there (oven-sh/bun issues 34068 and 43328), so they are left out.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Counter } from '../api/counter.ts'
import { Gauge } from '../api/gauge.ts'
import { register as globalRegister, type Registry, type RegistryContentType } from '../api/registry.ts'

export interface DefaultMetricsCollectorConfiguration<T extends RegistryContentType = RegistryContentType> {
  /** The registry that shows them (default: the global `register`). */
  register?: Registry<T> | undefined
  prefix?: string
  labels?: object
  /** For prom-client's metrics of garbage collection and the event loop, which are not here. */
  gcDurationBuckets?: readonly number[]
  eventLoopMonitoringPrecision?: number
}

interface Target {
  labels: Record<string, string>
  options(
    name: string,
    help: string,
  ): { name: string; help: string; labelNames: string[]; registers: Registry[] }
}

/** By prom-client's names of them. */
const GROUPS: Readonly<Record<string, (target: Target) => void>> = {
  processCpuTotal({ labels, options }) {
    let before = { user: 0, system: 0 }
    const system = new Counter(
      options('process_cpu_system_seconds_total', 'Total system CPU time spent in seconds.'),
    )
    const both = new Counter(
      options('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.'),
    )
    new Counter({
      ...options('process_cpu_user_seconds_total', 'Total user CPU time spent in seconds.'),
      // This one reads the clock for all three.
      collect() {
        const now = process.cpuUsage()
        const [userUs, systemUs] = [now.user - before.user, now.system - before.system]
        before = now
        this.inc(labels, userUs / 1e6)
        system.inc(labels, systemUs / 1e6)
        both.inc(labels, (userUs + systemUs) / 1e6)
      },
    })
  },

  processStartTime(target) {
    const startedSeconds = Math.round(Date.now() / 1000 - process.uptime())
    const help = 'Start time of the process since unix epoch in seconds.'
    gauge(target, 'process_start_time_seconds', help, () => startedSeconds, 'min')
  },

  osMemoryHeap(target) {
    gauge(target, 'process_resident_memory_bytes', 'Resident memory size in bytes.', () =>
      process.memoryUsage.rss(),
    )
  },

  processOpenFileDescriptors(target) {
    if (!existsSync('/proc/self/fd')) return
    // Reading the folder opens a file itself.
    const count = () => readdirSync('/proc/self/fd').length - 1
    gauge(target, 'process_open_fds', 'Number of open file descriptors.', count)
  },

  processMaxFileDescriptors(target) {
    const limits = existsSync('/proc/self/limits') ? readFileSync('/proc/self/limits', 'utf8') : ''
    const limit = /^Max open files +(\d+)/m.exec(limits)
    if (limit)
      gauge(target, 'process_max_fds', 'Maximum number of open file descriptors.', () => Number(limit[1]))
  },
}

/** Registers them. Where there is no /proc there is no number of open files. */
export function collectDefaultMetrics(config?: DefaultMetricsCollectorConfiguration | null): void {
  if (config !== null && config !== undefined && typeof config !== 'object')
    throw new TypeError('config must be null, undefined, or an object')
  const { register = globalRegister, prefix = '', labels = {} } = config ?? {}
  const options: Target['options'] = (name, help) => ({
    name: prefix + name,
    help,
    labelNames: Object.keys(labels),
    registers: [register],
  })
  for (const declare of Object.values(GROUPS)) declare({ labels: { ...labels }, options })
}

collectDefaultMetrics.metricsList = Object.keys(GROUPS)

function gauge(
  { labels, options }: Target,
  name: string,
  help: string,
  read: () => number,
  aggregator: 'sum' | 'min' = 'sum',
): void {
  new Gauge({
    ...options(name, help),
    aggregator,
    collect() {
      this.set(labels, read())
    },
  })
}
