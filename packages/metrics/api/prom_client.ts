/** Converts between prom-client's form of numbers and ours, so that its metrics work in our registries and ours in its. */
import { RESERVED_LABELS } from '../model/definition.ts'
import { type Exemplar, type Family, labelText, type MetricType, type Series } from '../model/family.ts'
import type { Labels } from './child.ts'

export interface PromClientValue {
  labels: Labels
  value: number
  metricName?: string
  /** `null` in buckets without an exemplar. */
  exemplar?: Exemplar | null | undefined
}

/** The result of `metric.get()`. */
export interface PromClientItem {
  name: string
  help: string
  type: MetricType
  aggregator: string
  values: PromClientValue[]
}

/** A metric of prom-client, as far as a registry needs to know it. */
export interface PromClientMetric {
  name: string
  type?: MetricType
  labelNames?: readonly string[]
  get(): Promise<object>
  reset?(): void
}

/** A registry of prom-client, as far as `Registry.merge` needs to know it. */
export interface PromClientRegistry {
  readonly contentType: string
  getMetricsAsArray(): object[]
}

/** The values of one series, with cumulated buckets as in prom-client. */
export function promClientValues(
  name: string,
  labels: Labels,
  { value, sum, count, counts, exemplars }: Omit<Series, 'labels'>,
  bounds: readonly number[] = [],
): PromClientValue[] {
  if (value !== undefined) return [{ labels, value, ...(exemplars ? { exemplar: exemplars[0]! } : {}) }]
  let cumulated = 0
  const buckets = Array.from(counts ?? [], (observations, i) => ({
    metricName: `${name}_bucket`,
    labels: { le: bounds[i] ?? '+Inf', ...labels },
    value: (cumulated += observations),
    // Like prom-client, which has `undefined` for +Inf without an exemplar.
    exemplar: exemplars?.[i] ?? (exemplars && i === bounds.length ? undefined : null),
  }))
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum ?? 0 },
    { metricName: `${name}_count`, labels, value: count ?? cumulated },
  ]
}

/** The values of a prom-client metric that belong to one label set. */
export interface PromClientSeries {
  labels: Record<string, string>
  value?: number
  sum?: number
  count?: number
  cumulated: number[]
  quantiles: [quantile: number, value: number][]
  exemplars: (Exemplar | undefined)[]
}

/** @returns the series, and the bounds of a histogram's buckets without +Inf. */
export function seriesOf({
  name,
  type,
  values = [],
}: PromClientItem): [PromClientSeries[], bounds: number[]] {
  const bounds = new Set<number>()
  const gathered = new Map<string, PromClientSeries>()
  for (const { labels: all = {}, value, metricName = name, exemplar } of values) {
    const { [RESERVED_LABELS[type] ?? '']: reserved, ...own } = all
    const labels = Object.fromEntries(Object.entries(own).map(([label, each]) => [label, String(each)]))
    const key = JSON.stringify(labels)
    const series = gathered.get(key) ?? { labels, cumulated: [], quantiles: [], exemplars: [] }
    gathered.set(key, series)
    if (metricName === `${name}_sum`) series.sum = value
    else if (metricName === `${name}_count`) series.count = value
    else if (type === 'summary' && reserved !== undefined) series.quantiles.push([Number(reserved), value])
    else {
      if (exemplar) series.exemplars[series.cumulated.length] = exemplar
      if (reserved === undefined) series.value = value
      else series.cumulated.push(value)
      if (reserved !== undefined && reserved !== '+Inf') bounds.add(Number(reserved))
    }
  }
  return [[...gathered.values()], [...bounds]]
}

/** Observations in each bucket, from cumulated ones. */
export const countsOf = ({ cumulated }: PromClientSeries): number[] =>
  cumulated.map((each, i) => each - (cumulated[i - 1] ?? 0))

/** The numbers of a prom-client metric as a family. */
export function familyOf(item: PromClientItem): Family {
  const { name, help, type } = item
  const [gathered, buckets] = seriesOf(item)
  const series = gathered.map((each) => pageSeriesOf(each))
  // prom-client does not check the names of metrics that it did not make.
  const written = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return { name: written, help, type, series, ...(type === 'histogram' ? { buckets } : {}) }
}

function pageSeriesOf(each: PromClientSeries): Series {
  const { labels, value, sum, count, cumulated, quantiles, exemplars } = each
  const series: Series = { labels: labelText(Object.keys(labels), Object.values(labels)) }
  if (value !== undefined) series.value = value
  if (sum !== undefined) series.sum = sum
  if (count !== undefined) series.count = count
  if (cumulated.length > 0) series.counts = countsOf(each)
  if (quantiles.length > 0) series.quantiles = quantiles
  if (exemplars.length > 0) series.exemplars = exemplars
  return series
}
