/**
 * The few PromQL shapes that panels are made of. Every selector is narrowed by the dashboard's variables, and
 * every rate is taken over `$__rate_interval`, because these helpers write both.
 */

/** What clients saw: series of the gateway. The job variable does not hide the edge. */
export const edge = 'job="gateway", instance=~"$instance"'

/** Series that a process publishes about itself. */
export const selected = 'job=~"$job", instance=~"$instance"'

/**
 * Series that the exporter publishes about other processes: their `job` is the exporter's, and their `app` is
 * what Prometheus calls the job of the process itself.
 */
export const workers = 'job="exporter", instance=~"$instance", app=~"$job"'

/** Rate per second of a counter, summed by the labels given. */
export function rateOf(counter: string, matchers: string, by: readonly string[] = []): string {
  return `sum${grouping(by)}(rate(${counter}{${matchers}}[$__rate_interval]))`
}

/** Quantile of a histogram (its name without `_bucket`), by the labels given. */
export function quantileOf(
  q: number,
  histogram: string,
  matchers: string,
  by: readonly string[] = [],
): string {
  return `histogram_quantile(${q}, ${rateOf(`${histogram}_bucket`, matchers, ['le', ...by])})`
}

/** Sum of a gauge by the labels given. */
export function sumOf(gauge: string, matchers: string, by: readonly string[] = []): string {
  return `sum${grouping(by)}(${gauge}{${matchers}})`
}

function grouping(by: readonly string[]): string {
  return by.length === 0 ? '' : ` by (${by.join(', ')}) `
}
