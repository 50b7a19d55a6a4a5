/**
 * What a page is made of, between where numbers are kept and how they are written: families of series, merged over all
 * workers. Readers make these, writers print them; neither knows the other.
 */

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary'

export interface Family {
  name: string
  help: string
  type: MetricType
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  buckets?: readonly number[]
  series: Iterable<Series>
}

/** One label set and its numbers. A counter or gauge has a value; a histogram and a summary the rest. */
export interface Series {
  /** `method="GET",route="/"`, escaped (see `labelText`), or empty. */
  labels: string
  value?: number
  sum?: number
  /** Observations: of a summary. A histogram's is the sum of its buckets. */
  count?: number
  /** Of a stock prom-client summary; ours has none. */
  quantiles?: readonly (readonly [quantile: number, value: number])[]
  /** Observations in each bucket, +Inf last: each observation once, not cumulated. */
  counts?: ArrayLike<number>
  /** Of a counter one, of a histogram one for each bucket at most. OpenMetrics only. */
  exemplars?: readonly (Exemplar | undefined)[]
}

export interface Exemplar {
  labels: string
  value: number
  /** Seconds since the epoch. */
  timestamp: number
}

/** One number, without labels. */
export const plainFamily = (name: string, type: MetricType, help: string, value: number): Family => ({
  name,
  help,
  type,
  series: [{ labels: '', value }],
})

/** The inside of the braces. Values are escaped, names are taken as they are: they were checked when declared. */
export function labelText(names: readonly string[], values: readonly string[]): string {
  let text = ''
  for (let i = 0; i < names.length; i++)
    text += `${i === 0 ? '' : ','}${names[i]}="${escapeLabelValue(values[i]!)}"`
  return text
}

/** The same for a series that may have left labels out: those are null. */
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
