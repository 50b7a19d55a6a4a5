/**
 * The few PromQL shapes that panels are made of. Every selector is narrowed by the dashboard's variables, every rate is
 * taken over `$__rate_interval`, and a legend names the labels that a query is grouped by, because these helpers write all three.
 */

/** What one panel asks, and how it calls the answers. */
export type Query = { expr: string; legend: string; format?: 'heatmap' }

/** What clients saw: series of the gateway. The job variable does not hide the edge. */
export const edge = 'job="gateway", instance=~"$instance"'

/** Series that a process publishes about itself. */
export const selected = 'job=~"$job", instance=~"$instance"'

/** Series that the exporter publishes about what it reads: a target is the URL of an instance's stats document. */
export const targets = 'job="exporter", target=~".*($instance).*"'

/** The same about process families, whose `app` is what Prometheus calls the job of the process itself. */
export const workers = `${targets}, app=~"$job"`

/** Series that k6 wrote into Prometheus, of the chosen runs. */
export const load = 'shape=~"$shape"'

/** Rate per second of a counter, summed by the labels given. */
export function rateOf(counter: string, matchers: string, by: readonly string[] = []): string {
  return `sum${grouping(by)}(rate(${counter}{${matchers}}[$__rate_interval]))`
}

export const rate = (counter: string, matchers: string, by: readonly string[] = [], legend?: string): Query =>
  query(rateOf(counter, matchers, by), by, legend)

const gaugeBy =
  (operator: string) =>
  (gauge: string, matchers: string, by: readonly string[] = [], legend?: string): Query =>
    query(`${operator}${grouping(by)}(${gauge}{${matchers}})`, by, legend)

/** Of a gauge, by the labels given. */
export const [sum, max, min] = [gaugeBy('sum'), gaugeBy('max'), gaugeBy('min')]

/** One gauge over another, by the labels given. */
export const share = (gauge: string, limit: string, matchers: string, by: readonly string[]): Query =>
  query(`sum${grouping(by)}(${gauge}{${matchers}}) / sum${grouping(by)}(${limit}{${matchers}})`, by)

/** How much of the rate of a counter has further matchers: 0 where none has, for then there may be no such series. */
export function part(counter: string, matchers: string, narrower: string, by: readonly string[] = []): Query {
  const whole = rateOf(counter, matchers, by)
  return query(`(${rateOf(counter, `${matchers}, ${narrower}`, by)} or 0 * ${whole}) / ${whole}`, by)
}

/** The highest and the mean of what is told of each worker, by app: as many lines for three workers as for three hundred. */
export const spread = (ofEach: string, highest: string): Query[] => [
  { expr: `max by (app) (${ofEach})`, legend: `{{app}} ${highest}` },
  { expr: `avg by (app) (${ofEach})`, legend: '{{app}} mean' },
]

/** A line for each worker, named as Prometheus names its instance. */
export const eachWorker = (expr: string): Query => ({
  expr: `label_replace(${expr}, "instance", "$1", "target", "https?://(.+?)/.*")`,
  legend: '{{app}} {{worker}} of {{instance}}',
})

/** The rate of one counter over that of another. */
export const perEvent = (counter: string, events: string, matchers: string, by: readonly string[]): Query =>
  query(`${rateOf(counter, matchers, by)} / ${rateOf(events, matchers, by)}`, by)

/** Quantile of a histogram (its name without `_bucket`), by the labels given. */
export function quantile(q: number, histogram: string, matchers: string, by: readonly string[] = []): Query {
  const buckets = rateOf(`${histogram}_bucket`, matchers, ['le', ...by])
  return query(`histogram_quantile(${q}, ${buckets})`, by, `p${q * 100} ${legendOf(by)}`.trim())
}

/** Median and 99th percentile. */
export const quantiles = (histogram: string, matchers: string, by: readonly string[] = []): Query[] =>
  [0.5, 0.99].map((q) => quantile(q, histogram, matchers, by))

/** How many values fell into each bucket of a histogram. */
export const buckets = (histogram: string, matchers: string): Query => ({
  expr: `sum by (le) (increase(${histogram}_bucket{${matchers}}[$__rate_interval]))`,
  legend: '{{le}}',
  format: 'heatmap',
})

function query(expr: string, by: readonly string[], legend = legendOf(by)): Query {
  return { expr, legend }
}

/** A target says as much as its app, but longer. */
function legendOf(by: readonly string[]): string {
  const named = by.includes('app') ? by.filter((label) => label !== 'target') : by
  return named.map((label) => `{{${label}}}`).join(' ')
}

function grouping(by: readonly string[]): string {
  return by.length === 0 ? '' : ` by (${by.join(', ')}) `
}
