/** Converts between prom-client's form of numbers and ours, so that its metrics work in our registries and ours in its. */
import { RESERVED_LABELS } from '../model/definition.ts'
import { type Family, labelText, type MetricType, type Series } from '../model/family.ts'
import type { Labels } from './child.ts'

export interface PromClientValue {
  labels: Labels
  value: number
  metricName?: string
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
  get(): Promise<object>
  reset?(): void
}

/** The values of one series, with cumulated buckets as in prom-client. */
export function promClientValues(
  name: string,
  labels: Labels,
  { value, sum, count, counts }: Omit<Series, 'labels'>,
  bounds: readonly number[] = [],
): PromClientValue[] {
  if (value !== undefined) return [{ labels, value }]
  let cumulated = 0
  const buckets = Array.from(counts ?? [], (observations, i) => ({
    metricName: `${name}_bucket`,
    labels: { le: bounds[i] ?? '+Inf', ...labels },
    value: (cumulated += observations),
  }))
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum ?? 0 },
    { metricName: `${name}_count`, labels, value: count ?? cumulated },
  ]
}

type Gathered = {
  labels: string
  value?: number
  sum?: number
  count?: number
  cumulated: number[]
  quantiles: [number, number][]
}

/** The numbers of a prom-client metric as a family. */
export function fromPromClient({ name, help, type, values }: PromClientItem): Family {
  const bounds = new Set<number>()
  const gathered = new Map<string, Gathered>()
  for (const { labels: all, value, metricName = name } of values) {
    const { [RESERVED_LABELS[type] ?? '']: reserved, ...own } = all
    const labels = labelText(Object.keys(own), Object.values(own).map(String))
    const series = gathered.get(labels) ?? { labels, cumulated: [], quantiles: [] }
    gathered.set(labels, series)
    if (metricName === `${name}_sum`) series.sum = value
    else if (metricName === `${name}_count`) series.count = value
    else if (reserved === undefined) series.value = value
    else if (type === 'summary') series.quantiles.push([Number(reserved), value])
    else {
      series.cumulated.push(value)
      if (reserved !== '+Inf') bounds.add(Number(reserved))
    }
  }
  const series = Array.from(gathered.values(), ({ cumulated, quantiles, ...rest }) => ({
    ...rest,
    ...(cumulated.length > 0 ? { counts: cumulated.map((each, i) => each - (cumulated[i - 1] ?? 0)) } : {}),
    ...(quantiles.length > 0 ? { quantiles } : {}),
  }))
  return { name, help, type, series, ...(type === 'histogram' ? { buckets: [...bounds] } : {}) }
}
