/**
 * The PromQL expressions that panels consist of. These helpers write the selectors with the dashboard's variables, the range
 * `$__rate_interval` of every rate, and legends with the labels that a query is grouped by.
 */

import { type Apps, jobs, quoted } from '../rules/rule.ts'

/** A query of a panel and the legend of its series. */
export type Query = { expr: string; legend: string; format?: 'heatmap' | 'table' }

/** The matchers of a dashboard's series, with its variables. */
export type Matchers = {
  apps: Apps
  /** The view of clients. The variables App and Instance do not filter it: they choose a service and its instances. */
  edge: string
  /** Series that a process publishes about itself. */
  selected: string
  /** Series that the exporter publishes about its targets: `target` is the URL of the stats document of an instance. */
  targets: string
  /** Series that the exporter publishes about an app: `app` is the job that Prometheus scrapes the process itself under. */
  workers: string
}

export function matchersOf(apps: Apps): Matchers {
  const targets = `${jobs([apps.exporter])}, target=~".*($instance).*"`
  return {
    apps,
    edge: jobs(apps.edge),
    selected: 'job=~"$job", instance=~"$instance"',
    targets,
    workers: `${targets}, app=~"$job"`,
  }
}

/** Series that k6 wrote to Prometheus, of the chosen runs. */
export const load = 'shape=~"$shape"'

/** The rate per second of a counter, summed by the given labels. */
export function rateOf(counter: string, matchers: string, by: readonly string[] = []): string {
  return `sum${grouping(by)}(rate(${counter}{${matchers}}[$__rate_interval]))`
}

export const rate = (counter: string, matchers: string, by: readonly string[] = [], legend?: string): Query =>
  query(rateOf(counter, matchers, by), by, legend)

const gaugeBy =
  (operator: string) =>
  (gauge: string, matchers: string, by: readonly string[] = [], legend?: string): Query =>
    query(`${operator}${grouping(by)}(${gauge}{${matchers}})`, by, legend)

/** An aggregation of a gauge by the given labels. */
export const [sum, max, min] = [gaugeBy('sum'), gaugeBy('max'), gaugeBy('min')]

/** The ratio of two gauges by the given labels. */
export const share = (gauge: string, limit: string, matchers: string, by: readonly string[]): Query =>
  query(`sum${grouping(by)}(${gauge}{${matchers}}) / sum${grouping(by)}(${limit}{${matchers}})`, by)

/** The share of a counter's rate that has further matchers. It is 0 when no series has them. */
export function part(counter: string, matchers: string, narrower: string, by: readonly string[] = []): Query {
  const whole = rateOf(counter, matchers, by)
  return query(`(${rateOf(counter, `${matchers}, ${narrower}`, by)} or 0 * ${whole}) / ${whole}`, by)
}

/** The highest and the mean value of all workers, by app: two lines for any number of workers. */
export const spread = (ofEach: string, highest: string): Query[] => [
  { expr: `max by (app) (${ofEach})`, legend: `{{app}} ${highest}` },
  { expr: `avg by (app) (${ofEach})`, legend: '{{app}} mean' },
]

/** A line for each worker, with the name of its instance in Prometheus. */
export const eachWorker = (expr: string): Query => ({
  expr: `label_replace(${expr}, "instance", "$1", "target", "https?://(.+?)/.*")`,
  legend: '{{app}} {{worker}} of {{instance}}',
})

/** A query for each app, in the order of the apps: Prometheus returns the series of an instant query in no order. */
export const inOrder = (names: readonly string[], query: (name: string) => Query): Query[] =>
  names.map((name) => ({ ...query(name), legend: name }))

/** A query for each app. While all chosen instances of an app are down it has no series of its own, but -1, which tiles show as `down`. */
export const byApp = (
  names: readonly string[],
  selected: string,
  queryOf: (matchers: string) => Query,
): Query[] =>
  inOrder(names, (job) => {
    const matchers = `${selected}, ${jobs([job])}`
    const { expr, legend } = queryOf(matchers)
    return { expr: `${expr}\nor max(up{${matchers}}) - 1 < 0`, legend }
  })

/**
 * A rate that is 0, and a share or quantile that is NaN, of processes that are up and have had no event yet: they have no series of
 * it. If no process is up there is none of the gauge either, which each publishes from its start.
 */
export const orIdle = ({ expr, legend }: Query, value: 0 | 'NaN', gauge: string): Query => ({
  expr: `${expr}\nor ${value} * sum(${gauge})`,
  legend,
})

/** A gauge that every server publishes from its start. */
export const inFlight = (matchers: string): string => `http_server_active_requests{${matchers}}`

/** The jobs that serve clients, the edge first. */
export const serving = ({ edge, services }: Apps): string[] => [...new Set([...edge, ...services])]

/** The workers of an app that can take a request: 0 for an app that the exporter cannot read, since its series have ended. */
export function workersReady({ selected, targets, workers }: Matchers, app: string): Query {
  const known = `0 * max(up{${selected}, ${jobs([app])}}) and on () exporter_target_up{${targets}}`
  return query(`sum(prefork_workers{${workers}, state=~"ready|busy", app=${quoted(app)}})\nor ${known}`, [])
}

/** The rate of one counter divided by that of another. */
export const perEvent = (counter: string, events: string, matchers: string, by: readonly string[]): Query =>
  query(`${rateOf(counter, matchers, by)} / ${rateOf(events, matchers, by)}`, by)

/** A quantile of a histogram (its name without `_bucket`) by the given labels. */
export function quantile(q: number, histogram: string, matchers: string, by: readonly string[] = []): Query {
  const buckets = rateOf(`${histogram}_bucket`, matchers, ['le', ...by])
  return query(`histogram_quantile(${q}, ${buckets})`, by, `p${q * 100} ${legendOf(by)}`.trim())
}

/** Median and 99th percentile. */
export const quantiles = (histogram: string, matchers: string, by: readonly string[] = []): Query[] =>
  [0.5, 0.99].map((q) => quantile(q, histogram, matchers, by))

/** The rate of a counter in all, and of each value of a label that has any: legends of zeros would not fit. */
export const ratesOf = (counter: string, matchers: string, label: string): Query[] => [
  rate(counter, matchers, [], 'all'),
  { expr: `${rateOf(counter, matchers, [label])} > 0`, legend: `{{${label}}}` },
]

/** The number of values in each bucket of a histogram, of the first matchers that have any series. */
export const buckets = (histogram: string, ...choices: string[]): Query => ({
  expr: choices
    .map((matchers) => `sum by (le) (increase(${histogram}_bucket{${matchers}}[$__rate_interval]))`)
    .join(' or '),
  legend: '{{le}}',
  format: 'heatmap',
})

function query(expr: string, by: readonly string[], legend = legendOf(by)): Query {
  return { expr, legend }
}

/** Legends leave out `target` when they have `app`, which identifies the same process in fewer characters. */
function legendOf(by: readonly string[]): string {
  const named = by.includes('app') ? by.filter((label) => label !== 'target') : by
  return named.map((label) => `{{${label}}}`).join(' ')
}

function grouping(by: readonly string[]): string {
  return by.length === 0 ? '' : ` by (${by.join(', ')}) `
}
