/** Exemplars, as prom-client has them: a trace beside a number. They are kept in memory of this process only. */
import { type Exemplar, labelText } from './family.ts'
import type { Labels } from './child.ts'
import { validateLabelNames } from './validation.ts'

export type ExemplarLabels = Record<string, string | number>

/** What `inc` and `observe` take of a metric with `enableExemplars`. */
export interface WithExemplar<Name extends string = string> {
  labels?: Labels<Name> | undefined
  value?: number
  exemplarLabels?: ExemplarLabels
}

/** OpenMetrics 1.0, "Exemplars". */
const MAX_CHARACTERS = 128

/** @returns undefined where there are no labels. @throws where a name is none, RangeError where they are too long. */
export function exemplarOf(labels: ExemplarLabels = {}, value: number): Exemplar | undefined {
  const names = Object.keys(labels)
  if (names.length === 0) return undefined
  validateLabelNames(names)
  const values = Object.values(labels).map(String)
  if ([...names, ...values].join('').length > MAX_CHARACTERS) {
    throw new RangeError('Label set size must be smaller than 128 UTF-8 chars')
  }
  return { labels: labelText(names, values), value, timestamp: Date.now() / 1000 }
}
