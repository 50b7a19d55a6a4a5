/** The report of a run: a line for each operation, the thresholds that were crossed, and for the shape `breakpoint` the step that broke. */

import { type Operation, mix } from './mix.ts'
import { rates, stepName } from './steps.ts'

type Metric = { values: Record<string, number>; thresholds?: Record<string, { ok: boolean }> }

/** The argument of handleSummary, as far as it is used here. */
export type Summary = { metrics: Record<string, Metric>; state: { testRunDurationMs: number } }

/** The report that is printed. */
export function summaryOf(summary: Summary, shape: string): string {
  const { metrics, state } = summary
  const crossed = crossedIn(metrics)
  const requests = metrics.http_reqs?.values
  return [
    '',
    `${shape}: ${requests?.count ?? 0} requests in ${(state.testRunDurationMs / 1000).toFixed(0)} s, ${(requests?.rate ?? 0).toFixed(0)} a second`,
    '',
    '  http_req_duration   requests     median        p95        p99        max     failed',
    ...(Object.keys(mix) as Operation[]).map((operation) => lineOf(metrics, operation)),
    '',
    ...(shape === 'breakpoint' ? [breakingPoint(metrics, crossed), ''] : []),
    crossed.length === 0 ? 'Every threshold was kept.' : `Not kept: ${crossed.join('; ')}`,
    '',
  ].join('\n')
}

function lineOf(metrics: Record<string, Metric>, operation: Operation): string {
  const of = (metric: string, value: string) => metrics[`${metric}{op:${operation}}`]?.values[value] ?? 0
  const duration = (value: string) => `${of('http_req_duration', value).toFixed(1)} ms`
  const cells = [
    String(of('http_reqs', 'count')),
    ...['med', 'p(95)', 'p(99)', 'max'].map(duration),
    `${(100 * of('http_req_failed', 'rate')).toFixed(2)} %`,
  ]
  return `  ${operation.padEnd(18)}${cells.map((cell) => cell.padStart(11)).join('')}`
}

/** Each threshold that was crossed, with its metric. */
function crossedIn(metrics: Record<string, Metric>): string[] {
  return Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds).flatMap(([threshold, { ok }]) => (ok ? [] : [`${name} ${threshold}`])),
  )
}

/** What a crossed threshold means in a load that does not wait for responses. */
const meanings: readonly [metric: RegExp, meaning: string][] = [
  [/^dropped_iterations/, 'iterations had to be left out, because every user waited for a response'],
  [/^http_req_duration/, 'responses took too long'],
  [/^(http_req_failed|checks)/, 'requests failed'],
]

/**
 * The step that could not be kept, if there is one: the step that crossed a threshold of its own, else the last. Thresholds are
 * evaluated every two seconds, so the next step may have begun before the run ends.
 */
function breakingPoint(metrics: Record<string, Metric>, crossed: readonly string[]): string {
  const begun = rates.filter((rate) => (metrics[`http_reqs{step:${stepName(rate)}}`]?.values.count ?? 0) > 0)
  if (crossed.length === 0) return `Breaking point: none up to ${begun.at(-1) ?? 0} iterations a second.`
  const why = meanings.flatMap(([metric, meaning]) =>
    crossed.some((name) => metric.test(name)) ? meaning : [],
  )
  const found = begun.findIndex((rate) => crossed.some((name) => name.includes(`{step:${stepName(rate)}}`)))
  const at = found === -1 ? begun.length - 1 : found
  const kept = begun[at - 1] ?? 'not even the first step'
  return `Breaking point: ${begun[at] ?? 0} iterations a second are too many; ${kept} could be kept. Why: ${why.join('; ')}.`
}
