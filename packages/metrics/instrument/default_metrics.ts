/**
 * CPU time, memory and open files of this process: those of prom-client's default metrics that are real on Bun. Others are
 * constant or wrong there (oven-sh/bun issues 34068 and 43328), so they are left out.
 */
import type { PromClientMetric } from '../api/prom_client.ts'
import { register, type Registry } from '../api/registry.ts'

const REAL_ON_BUN = [
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_open_fds',
  'process_max_fds',
]

interface DefaultMetrics {
  /** The registry that shows them (default: the global `register`). */
  register?: Registry
  prefix?: string
  labels?: Record<string, string>
}

export function collectDefaultMetrics({
  register: to = register,
  prefix = '',
  labels = {},
}: DefaultMetrics = {}): void {
  // Loaded on demand: it takes 8 MB, and most processes never publish these metrics.
  const promClient = require('prom-client') as typeof import('prom-client')
  const all = new promClient.Registry()
  promClient.collectDefaultMetrics({ register: all, prefix, labels })
  for (const name of REAL_ON_BUN) {
    const metric = all.getSingleMetric(prefix + name) as unknown as PromClientMetric | undefined
    if (metric) to.registerMetric(metric)
  }
}
