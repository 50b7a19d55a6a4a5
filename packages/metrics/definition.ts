/**
 * What the entries of a region say: families as they were declared, and the series of each. The bytes are layout.ts's;
 * here is what they mean, and what is damage because it means nothing.
 */
import type { MetricType } from './family.ts'
import { type Entry, FAMILY, type Memory, readEntries, readPayload, type Region } from './layout.ts'
import { validateDeclaration } from './validation.ts'

const AGGREGATORS = ['sum', 'max', 'min', 'first', 'average', 'mostrecent', 'worker', 'omit'] as const

/**
 * How the values of several workers become one. `worker` keeps one series for each, with a `worker` label; `omit` shows
 * none of them.
 */
export type Aggregator = (typeof AGGREGATORS)[number]

/** @throws Error where there is none of that name. */
export function validateAggregator(name: string): void {
  if (!(AGGREGATORS as readonly string[]).includes(name)) {
    throw new Error(`'${name}' is not a defined aggregator: there are ${AGGREGATORS.join(', ')}`)
  }
}

/** A family as it stands in the store. */
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

/** Labels that a type keeps for itself. */
export const RESERVED_LABELS: Readonly<Record<MetricType, string | undefined>> = {
  counter: undefined,
  gauge: undefined,
  histogram: 'le',
  summary: 'quantile',
}

/** The label that a page adds to the family's own. */
export const reservedLabel = ({ type, aggregator }: Pick<Definition, 'type' | 'aggregator'>) =>
  aggregator === 'worker' ? 'worker' : RESERVED_LABELS[type]

/** Of one series of such a family: see layout.ts. */
export const cellCountOf = ({ type, buckets }: Pick<Definition, 'type' | 'buckets'>): number =>
  type === 'counter' ? 1 : type === 'histogram' ? buckets!.length + 2 : 2

/** Whoever wants to know what is in a region. A family is what he makes of it. */
export interface Visitor<Known extends { definition: Definition }> {
  family(definition: Definition, entry: Entry): Known
  /** @param key the label values, as the JSON that names the series in its family */
  series(family: Known, key: string, entry: Entry): void
}

/**
 * Reads on in a region, from where the last look ended (0: from the first entry).
 * @param families of this region so far, by entry
 * @returns where to go on next time, or -1 where there is damage: what comes after it is not read.
 */
export const readRegion = <Known extends { definition: Definition }>(
  memory: Memory,
  region: Region,
  from: number,
  families: Map<number, Known>,
  visitor: Visitor<Known>,
): number =>
  readEntries(memory, region, from, (entry) => {
    if (entry.kind === FAMILY) {
      families.set(entry.at, visitor.family(readDefinition(memory, entry), entry))
      return
    }
    const family = families.get(entry.family)
    if (!family || entry.cellCount !== cellCountOf(family.definition)) throw new TypeError('no series')
    visitor.series(family, readPayload(memory, entry), entry)
  })

/** @throws where the entry is no definition: a damaged file must break neither a page nor a worker. */
function readDefinition(memory: Memory, entry: Entry): Definition {
  const definition = JSON.parse(readPayload(memory, entry)) as Definition
  const { name, help, type, labelNames, buckets } = definition
  validateDeclaration(definition, reservedLabel(definition))
  const isSane =
    typeof name === 'string' &&
    typeof help === 'string' &&
    Array.isArray(labelNames) &&
    Object.hasOwn(RESERVED_LABELS, type) &&
    (type === 'histogram' ? buckets!.every(Number.isFinite) : buckets === undefined) &&
    entry.cellCount === 1
  if (!isSane) throw new TypeError(`${name} is no definition`)
  return definition
}

/** @throws where the key names no series of this family. */
export function valuesOf(key: string, labelNames: readonly string[]): LabelValues {
  const values = JSON.parse(key) as LabelValues
  const isSane =
    values.length === labelNames.length &&
    values.every((value) => value === null || typeof value === 'string')
  if (!isSane) throw new TypeError('no series of its family')
  return values
}
