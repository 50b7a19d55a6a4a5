/**
 * A family as it was declared, and the names of its series. storage/region_reader.ts reads definitions from a segment.
 */
import type { MetricType } from './family.ts'

const AGGREGATORS = ['sum', 'max', 'min', 'first', 'average', 'mostrecent', 'worker', 'omit'] as const

/**
 * How the values of several workers become one. `worker` keeps one series for each, with a label `worker`; `omit` leaves the
 * gauge out.
 */
export type Aggregator = (typeof AGGREGATORS)[number]

/** @throws Error when there is no aggregator of that name. */
export function validateAggregator(name: string): void {
  if (!(AGGREGATORS as readonly string[]).includes(name)) {
    throw new Error(`'${name}' is not a defined aggregator: there are ${AGGREGATORS.join(', ')}`)
  }
}

export interface Definition {
  name: string
  help: string
  type: MetricType
  labelNames: readonly string[]
  buckets?: readonly number[]
  aggregator?: Aggregator
}

/** Label values in the order of the label names; null for a label that was left out. */
export type LabelValues = readonly (string | null)[]

/** Labels that a type uses itself. */
export const RESERVED_LABELS: Readonly<Record<MetricType, string | undefined>> = {
  counter: undefined,
  gauge: undefined,
  histogram: 'le',
  summary: 'quantile',
}

/** The label that a page adds to the family's own labels. */
export const reservedLabel = ({ type, aggregator }: Pick<Definition, 'type' | 'aggregator'>) =>
  aggregator === 'worker' ? 'worker' : RESERVED_LABELS[type]

/** Cells of one series; storage/layout.ts says which number is in which cell. */
export const cellCountOf = ({ type, buckets }: Pick<Definition, 'type' | 'buckets'>): number =>
  type === 'counter' ? 1 : type === 'histogram' ? buckets!.length + 2 : 2

/** The name of a series within its family. */
export const keyOf = (values: LabelValues): string => JSON.stringify(values)

/** @throws when the key is not that of a series of this family. */
export function valuesOf(key: string, labelNames: readonly string[]): LabelValues {
  const values = JSON.parse(key) as LabelValues
  const isSane =
    values.length === labelNames.length &&
    values.every((value) => value === null || typeof value === 'string')
  if (!isSane) throw new TypeError('not the key of a series of its family')
  return values
}
