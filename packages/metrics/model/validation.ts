/** Checks declarations as prom-client does and with its errors, so that a program only has to change its import. */
import { format, inspect } from 'node:util'

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

export const validateMetricName = (name: string): boolean => METRIC_NAME.test(name)

export interface Declaration {
  name: string
  help: string
  labelNames?: readonly string[]
  collect?: unknown
}

/** @throws Error or TypeError, as prom-client does. */
export function validateDeclaration(config: Declaration, reservedLabel?: string): void {
  if (config === null || typeof config !== 'object')
    throw new TypeError('constructor expected a config object')
  const { name, help, labelNames = [], collect } = config
  if (!help) throw new Error('Missing mandatory help parameter')
  if (!name) throw new Error('Missing mandatory name parameter')
  if (!validateMetricName(name)) throw new Error('Invalid metric name')
  validateLabelNames(labelNames)
  if (new Set(labelNames).size < labelNames.length) throw new Error('A label name is listed twice')
  if (reservedLabel && labelNames.includes(reservedLabel)) {
    throw new Error(`${reservedLabel} is a reserved label keyword`)
  }
  if (collect && typeof collect !== 'function') {
    throw new Error('Optional "collect" parameter must be a function')
  }
}

/** @throws Error for a name with which Prometheus would refuse the page. `__name__` is the name of the metric itself. */
export function validateLabelNames(names: readonly string[]): void {
  if (!names.every((name) => LABEL_NAME.test(name))) throw new Error('Invalid label name')
  if (names.includes('__name__')) throw new Error('__name__ is a reserved label keyword')
}

/** The same for labels of all metrics of a registry, which may be histograms and summaries. */
export function validateDefaultLabelNames(names: readonly string[]): void {
  validateLabelNames(names)
  const reserved = names.find((name) => name === 'le' || name === 'quantile')
  if (reserved !== undefined) throw new Error(`${reserved} is a reserved label keyword`)
}

export const unknownLabel = (label: string, labelNames: readonly string[]): Error =>
  new Error(`Added label "${label}" is not included in initial labelset: ${inspect(labelNames)}`)

export const wrongLabelCount = (values: readonly unknown[], labelNames: readonly string[]): Error =>
  new Error(
    `Invalid number of arguments (${values.length}): "${values.join(', ')}" for label names (${labelNames.length}): "${labelNames.join(', ')}".`,
  )

export const notANumber = (value: unknown, what = 'Value'): TypeError =>
  new TypeError(`${what} is not a valid number: ${format(value)}`)
