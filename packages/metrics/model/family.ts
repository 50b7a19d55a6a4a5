/**
 * What a page is made of: families of series. storage/ and api/ make them, format/ writes them; neither knows the other.
 */

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary'

/** Suffixes of the samples that are not named as their family. */
export const SAMPLE_SUFFIXES: Readonly<Record<MetricType, readonly string[]>> = {
  counter: [],
  gauge: [],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count'],
}

export interface Family {
  name: string
  help: string
  type: MetricType
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  buckets?: readonly number[]
  series: Iterable<Series>
}

/** One label set and its numbers. A counter or gauge has `value`; a histogram and a summary have the others. */
export interface Series {
  /** `method="GET",route="/"`, escaped (see `labelText`), or empty. */
  labels: string
  value?: number
  sum?: number
  /** A summary's observations. A histogram's are the sum of its `counts`. */
  count?: number
  /** Only prom-client's own summaries have quantiles. */
  quantiles?: readonly (readonly [quantile: number, value: number])[]
  /** Observations in each bucket, +Inf last: each observation once, not cumulated. */
  counts?: ArrayLike<number>
  /** A counter has at most one, a histogram at most one for each bucket. Only OpenMetrics shows them. */
  exemplars?: readonly (Exemplar | undefined)[]
}

export interface Exemplar {
  labelSet: Record<string, string | number>
  value: number
  /** Seconds since the epoch. */
  timestamp: number
}

/** A family of one series without labels. */
export const plainFamily = (name: string, type: MetricType, help: string, value: number): Family => ({
  name,
  help,
  type,
  series: [{ labels: '', value }],
})

/** Labels as they stand between the braces. Values are escaped; names were checked when the metric was declared. */
export function labelText(names: readonly string[], values: readonly string[]): string {
  let text = ''
  for (let i = 0; i < names.length; i++)
    text += `${i === 0 ? '' : ','}${names[i]}="${escapeLabelValue(values[i]!)}"`
  return text
}

/** The same for a series in which labels may be left out: their values are null. */
export function seriesText(names: readonly string[], values: readonly (string | null)[]): string {
  const present = names.filter((_, i) => values[i] !== null)
  return labelText(
    present,
    values.filter((value) => value !== null),
  )
}

const SPECIAL = /[\\\n"]/g

export const escapeLabelValue = (value: string): string =>
  value.replace(SPECIAL, (character) => (character === '\n' ? '\\n' : `\\${character}`))
