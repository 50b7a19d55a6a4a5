/**
 * A made-up stack for queries: every family with every label set, each at a rate or value of its own, so that a query which takes
 * other series than it should returns another number.
 */

import { families } from '../families.ts'
import { objectives } from '../objectives.ts'
import { type Labels, of, type Series } from '../prometheus/testdata/series.ts'
import { seriesOf } from '../rules/objective.ts'

/** Series with a value every so many seconds, and the time at which queries are asked. */
export type World = { name: string; stepSeconds: number; atSeconds: number; series: Series }

type Instance = { job: string; instance: string }

const EDGE: Instance[] = [
  { job: 'gateway', instance: 'a:1' },
  { job: 'gateway', instance: 'b:1' },
]
const SERVICES: Instance[] = [
  { job: 'dogs', instance: 'dogs:1' },
  { job: 'dogs', instance: 'dogs2:1' },
  { job: 'cats', instance: 'cats:1' },
]
const EXPORTER: Instance = { job: 'exporter', instance: 'exporter:1' }
const APPS = [...EDGE, ...SERVICES]

/** Values of labels. Those of a family come first, then those of a label. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  http_request_method: ['GET', 'POST'],
  http_route: ['dogs', 'cats'],
  http_response_status_code: ['200', '404', '500'],
  error_type: ['SQLITE_BUSY', 'Error'],
  upstream: ['dogs', 'cats'],
  worker: ['1', '2'],
  model: ['dog', 'cat'],
  socket: [':1'],
  version: ['1.0'],
  bun_version: ['1.4.5'],
  name: ['app'],
  db_system_name: ['sqlite'],
  db_operation_name: ['SELECT', 'INSERT'],
  db_collection_name: ['pets'],
  host: ['*'],
  path: ['/'],
  result: ['ok', 'failure', 'never', 'rare'],
  state: ['idle', 'used'],
  reason: ['gone', 'answer_timeout', 'stale', 'never', 'rare'],
  'prefork_workers state': ['starting', 'ready', 'busy', 'draining', 'hung', 'cheap'],
  'prefork_worker_exits_total reason': ['crash', 'oom', 'reload', 'never', 'rare'],
  'gateway_upstream_targets state': ['healthy', 'slow_start', 'ejected'],
  'gateway_rejections_total reason': ['framing', 'too_large', 'never', 'rare'],
}
/** A value of a label whose event has not happened. */
const NEVER = 'never'
/** One whose event happens less than once a second. */
const RARE = 'rare'
const BOUNDS = ['0.005', '0.1', '0.25', '0.5', '1', '+Inf']

/** A number of its own for each series. */
const numberOf = (series: string): number => 1 + (Bun.hash.crc32(series) % 89)

const SCRAPES = 90
/** Counters grow faster and faster, so that no two ranges have the same rate. */
const growing = (by: number, bornAt = 0): string =>
  Array.from({ length: SCRAPES + 1 }, (_, at) => (at < bornAt ? '_' : (by * at * (at + 1)) / 2)).join(' ')

/**
 * Every ten seconds for 15 minutes. The queries of panels use ranges of a minute, rules of five minutes.
 * @param isQuiet no error, no alert but Watchdog, and requests to the gateway alone
 */
export function minutes(isQuiet = false): World {
  const scrapes = SCRAPES
  const series: Record<string, string> = {}
  const gauge = (metric: string, labels: Labels, value?: number) => {
    const name = of(metric, labels)
    series[name] = `${value ?? numberOf(name)}x${scrapes}`
  }
  const counter = (metric: string, labels: Labels) => {
    const name = of(metric, labels)
    const values = Object.values(labels)
    series[name] = growing(values.includes(NEVER) ? 0 : values.includes(RARE) ? 0.01 : numberOf(name))
  }
  for (const [family, type, labels] of families) {
    for (const labelSet of labelSetsOf(family, labels)) {
      if (isQuiet && labelSet['http_response_status_code'] === '500') continue
      // Services without requests. One of them is down.
      if (isQuiet && family.startsWith('http_server_request') && labelSet['job'] !== 'gateway') continue
      // The exporter cannot read one app.
      if (isQuiet && family === 'prefork_workers' && labelSet['app'] === 'cats') continue
      // A slot without a process has no start.
      const isEmpty = family.includes('last_spawn') && labelSet['worker'] === '2'
      if (type === 'gauge') gauge(family, labelSet, isEmpty ? 0 : undefined)
      else if (type === 'counter') counter(family, labelSet)
      else histogram(series, family, labelSet)
    }
  }
  for (const { job, instance } of [...APPS, EXPORTER, { job: 'prometheus', instance: 'prometheus:1' }])
    gauge(
      'up',
      { job, instance },
      instance === 'dogs2:1' || instance === 'b:1' || (isQuiet && job === 'cats') ? 0 : 1,
    )
  for (const [alertname, app, alertstate] of [
    ['A', 'dogs', 'firing'],
    ['A', 'cats', 'firing'],
    ['B', 'dogs', 'pending'],
    ['Watchdog', 'prometheus', 'firing'],
  ].filter(([name]) => !isQuiet || name === 'Watchdog') as [string, string, string][])
    for (const severity of ['page', 'ticket']) gauge('ALERTS', { alertname, app, alertstate, severity }, 1)
  for (const job of ['gateway', 'dogs', 'few', 'idle']) {
    const labels = { job }
    // More than the requests within 250 ms; an app without requests.
    const requests = { gateway: 200_000, few: 0.5, idle: 0 }[job]
    for (const recorded of ['edge:http_requests:rate5m', 'job:http_requests:rate5m'])
      gauge(recorded, labels, requests)
    for (const http_route of VALUES['http_route']!)
      gauge('job_route:http_requests:rate5m', { job, http_route }, requests)
    for (const objective of objectives)
      for (const what of ['rate5m', 'ratio_rate5m', 'ratio_rate30d', 'budget_left_30d'].concat(
        ['1h', '6h', '3d'].map((window) => `ratio_rate${window}`),
      ))
        gauge(seriesOf(objective, what), labels)
  }
  // Instance c has been scraped for less than five minutes. Another job has an instance of the same name.
  gauge('up', { job: 'other', instance: 'c:1' }, 1)
  const late = { http_request_method: 'GET', http_route: 'dogs', http_response_status_code: '503' }
  for (const [instance, bornAt, method] of [
    ['a:1', 70, 'GET'],
    ['c:1', 70, 'GET'],
    ['a:1', 45, 'POST'],
    ['b:1', 70, 'GET'],
    ['h:1', 70, 'GET'],
    ['i:1', 70, 'GET'],
    ['j:1', 70, 'GET'],
    ['d:1', 89, 'GET'],
  ] as const)
    if (!isQuiet)
      histogram(
        series,
        'http_server_request_duration_seconds',
        { job: 'gateway', instance, ...late, http_request_method: method },
        bornAt,
      )
  for (const [instance, bornAt] of [
    ['c:1', 70],
    ['f:1', 45],
  ] as const)
    series[of('up', { job: 'gateway', instance })] = `_x${bornAt - 1} 1x${scrapes}`
  // Started 310, 300, 285 and 20 seconds ago.
  for (const [instance, started] of [
    ['h:1', 590],
    ['i:1', 600],
    ['j:1', 615],
    ['d:1', 880],
  ] as const)
    gauge('process_start_time_seconds', { job: 'gateway', instance }, started)
  for (const shape of ['ramp', 'soak'])
    for (const op of ['read', 'write']) {
      const labels = { shape, op }
      for (const name of ['vus', 'checks_rate', 'http_req_failed_rate', 'http_req_duration_p99'])
        gauge(`k6_${name}`, labels)
      for (const name of ['http_reqs', 'iterations', 'dropped_iterations'])
        counter(`k6_${name}_total`, labels)
    }
  for (const host of ['node:1', 'node2:1']) {
    const labels = { job: 'node', instance: host }
    for (const mode of ['idle', 'user'])
      for (const cpu of ['0', '1']) counter('node_cpu_seconds_total', { ...labels, mode, cpu })
    for (const fstype of ['ext4', 'tmpfs', 'ramfs', 'overlay', 'squashfs', 'fuse.x', 'nsfs', 'autofs'])
      for (const name of ['avail', 'size'])
        gauge(`node_filesystem_${name}_bytes`, { ...labels, fstype, mountpoint: `/${fstype}` })
    for (const name of ['MemAvailable', 'MemTotal']) gauge(`node_memory_${name}_bytes`, labels)
  }
  return { name: isQuiet ? 'quiet' : 'minutes', stepSeconds: 10, atSeconds: 900, series }
}

/** What rules record, over days: rates that grow, so that each window has a sum of its own. */
export function days(stepMinutes: number, steps: number): World {
  const series: Record<string, string> = {}
  for (const [index, name] of ['edge:http_requests:rate5m', seriesOf(objectives[0]!, 'rate5m')].entries())
    for (const job of ['gateway', 'other'])
      series[of(name, { job })] = `${index === 0 ? 5 * steps : 0}+${numberOf(name + job)}x${steps}`
  series[of('edge:http_requests:rate5m', { job: 'few' })] = `0.0001x${steps}`
  series[of(seriesOf(objectives[0]!, 'rate5m'), { job: 'few' })] = `0.0001x${steps}`
  series[of(seriesOf(objectives[0]!, 'ratio_rate30d'), { job: 'gateway' })] = `0.0004x${steps}`
  const seconds = 60 * stepMinutes
  return { name: `steps of ${stepMinutes}m`, stepSeconds: seconds, atSeconds: (steps - 1) * seconds, series }
}

function histogram(series: Record<string, string>, family: string, labels: Labels, bornAt = 0): void {
  let by = 0
  for (const le of BOUNDS) {
    const name = of(`${family}_bucket`, labels, { le })
    // Few values are above the last bound: a quantile of them would be that bound.
    by += le === '+Inf' ? numberOf(name) / 1000 : numberOf(name)
    series[name] = growing(by, bornAt)
  }
  series[of(`${family}_count`, labels)] = growing(by, bornAt)
  const sum = of(`${family}_sum`, labels)
  series[sum] = growing(numberOf(sum), bornAt)
}

/** Every combination of values, for each process that publishes the family. */
function labelSetsOf(family: string, labels: readonly string[]): Labels[] {
  let sets = publishersOf(family, labels.includes('app'))
  for (const label of labels.filter((each) => each !== 'app' && each !== 'target')) {
    const values = VALUES[`${family} ${label}`] ?? VALUES[label]
    if (values === undefined) throw new Error(`no values for the label ${label} of ${family}`)
    sets = sets.flatMap((set) => values.map((value) => Object.assign({}, set, { [label]: value })))
  }
  return sets
}

function publishersOf(family: string, hasApp: boolean): Labels[] {
  if (family.startsWith('gateway_')) return EDGE
  if (/^(db|model)_/.test(family)) return SERVICES
  if (family === 'exporter_build_info') return [EXPORTER]
  if (!/^(prefork|exporter)_/.test(family)) return APPS
  return APPS.map(({ job, instance }) =>
    Object.assign({}, EXPORTER, hasApp ? { app: job } : {}, { target: `http://${instance}/stats` }),
  )
}
