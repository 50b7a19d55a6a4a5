/**
 * What a process knows about itself: its event loop, its build, and the process metrics of prom-client that are
 * real on Bun. Several of prom-client's defaults are constant or wrong there (reference: oven-sh/bun issues 34068 and
 * 43328), so only those named here are kept.
 */
import { Gauge } from './gauge.ts'
import { Histogram } from './histogram.ts'
import { register, type Registry } from './registry.ts'
import type { StockMetric } from './stock.ts'

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
  /** By default the global `register`. */
  register?: Registry
  prefix?: string
  labels?: Record<string, string>
}

const TURN_EVERY_MS = 100

/** The last turn of an event loop, for whoever watches from outside. */
export interface EventLoop {
  /** `performance.now()` of the last turn. */
  turnedMs: number
  lagMs: number
  stop(): void
}

/**
 * Measures how late a timer fires: the time for which something else held the event loop.
 * @param onTurn is told of each turn, the first one included
 */
export function measureEventLoop(
  registry: Registry,
  onTurn: (turnedMs: number, lagMs: number) => void = () => {},
): EventLoop {
  const lag = new Histogram({
    name: 'runtime_eventloop_lag_seconds',
    help: 'How late a timer fired because the event loop was busy, in seconds',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  const loop: EventLoop = { turnedMs: performance.now(), lagMs: 0, stop: () => clearInterval(timer) }
  const timer = setInterval(() => {
    const nowMs = performance.now()
    loop.lagMs = Math.max(0, nowMs - loop.turnedMs - TURN_EVERY_MS)
    loop.turnedMs = nowMs
    lag.observe(loop.lagMs / 1000)
    onTurn(loop.turnedMs, loop.lagMs)
  }, TURN_EVERY_MS)
  timer.unref()
  onTurn(loop.turnedMs, loop.lagMs)
  return loop
}

/** Says which build of what runs here: always 1. */
export function publishAppInfo(registry: Registry, app: { name: string; version: string }): void {
  new Gauge({
    name: 'app_info',
    help: 'The build that runs, always 1',
    labelNames: ['name', 'version', 'bun_version'],
    aggregator: 'max',
    registers: [registry],
  })
    .labels(app.name, app.version, Bun.version)
    .set(1)
}

/** CPU, memory and open files of this process: of prom-client's default metrics those that are real on Bun. */
export function collectDefaultMetrics({
  register: to = register,
  prefix = '',
  labels = {},
}: DefaultMetrics = {}): void {
  // Not at the top: it takes 8 MB, and most processes never publish these.
  const stock = require('prom-client') as typeof import('prom-client')
  const all = new stock.Registry()
  stock.collectDefaultMetrics({ register: all, prefix, labels })
  for (const name of REAL_ON_BUN) {
    const metric = all.getSingleMetric(prefix + name) as unknown as StockMetric | undefined
    if (metric) to.registerMetric(metric)
  }
}
