/** Exemplars as in prom-client: a trace id beside a number. They are in memory of this process, never in a segment. */
import type { Exemplar } from '../model/family.ts'
import type { Labels } from './child.ts'
import { validateLabelNames } from '../model/validation.ts'

export type ExemplarLabels = Record<string, string | number>

/** The argument of `inc` and `observe` of a metric with `enableExemplars`. */
export interface WithExemplar<Name extends string = string> {
  labels?: Labels<Name> | undefined
  value?: number
  exemplarLabels?: ExemplarLabels
}

/** OpenMetrics 1.0, "Exemplars". */
const MAX_CHARACTERS = 128

/** @returns undefined when there are no labels. @throws for an invalid name; RangeError when the labels are too long. */
export function exemplarOf(labels: ExemplarLabels = {}, value: number): Exemplar | undefined {
  const names = Object.keys(labels)
  if (names.length === 0) return undefined
  validateLabelNames(names)
  const values = Object.values(labels).map(String)
  if ([...names, ...values].join('').length > MAX_CHARACTERS) {
    throw new RangeError('Label set size must be smaller than 128 UTF-8 chars')
  }
  return { labelSet: labels, value, timestamp: Date.now() / 1000 }
}
