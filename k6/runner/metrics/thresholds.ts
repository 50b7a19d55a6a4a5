/** Thresholds: what they say, whether the samples so far keep them, and which of them end the run. */

import { millisecondsOf } from '../shared/duration.ts'
import { type Metrics, type Series, metricTypes } from './metrics.ts'
import { Trend } from './sinks.ts'
import { checkKeys } from '../shared/unsupported.ts'

/** A threshold as a script writes it. */
export type Threshold = string | { threshold: string; abortOnFail?: boolean; delayAbortEval?: string }

interface Limit {
  readonly metric: string
  readonly source: string
  readonly series: Series
  readonly statistic: string
  readonly holds: (value: number) => boolean
  /** Milliseconds after which a crossed threshold ends the run; undefined: it never does. */
  readonly abortsAfterMs: number | undefined
  ok: boolean
}

/** What each kind of metric can be compared by, besides the statistics of a trend. */
const statistics: Readonly<Record<string, readonly string[]>> = {
  counter: ['count', 'rate'],
  gauge: ['value'],
  rate: ['rate'],
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '===': (a, b) => a === b,
  '!=': (a, b) => a !== b,
}

export class Thresholds {
  readonly #limits: readonly Limit[]

  /** @throws TypeError when a threshold is not written as k6 writes it; Unsupported when the runner does not measure it. */
  constructor(metrics: Metrics, thresholds: Readonly<Record<string, readonly Threshold[]>>) {
    this.#limits = Object.entries(thresholds).flatMap(([metric, limits]) =>
      limits.map((limit) => limitOf(metric, metrics.series(metric), limit)),
    )
  }

  /**
   * Compares each threshold with the samples so far; one without samples is kept.
   * @returns whether the run has to end
   */
  evaluate(elapsedMs: number): boolean {
    for (const limit of this.#limits) {
      const { series, statistic } = limit
      limit.ok = series.sink.isEmpty || limit.holds(series.sink.values([statistic], elapsedMs)[statistic]!)
    }
    return this.#limits.some(({ ok, abortsAfterMs }) => !ok && elapsedMs >= (abortsAfterMs ?? Infinity))
  }

  /** Names of the metrics whose thresholds did not hold when they were evaluated last. */
  get crossed(): string[] {
    return [...new Set(this.#limits.filter(({ ok }) => !ok).map(({ metric }) => metric))].toSorted()
  }

  /** For the summary: the thresholds of a metric, each with whether it holds. */
  of(metric: string): Record<string, { ok: boolean }> | undefined {
    const own = this.#limits.filter((limit) => limit.metric === metric)
    return own.length === 0 ? undefined : Object.fromEntries(own.map(({ source, ok }) => [source, { ok }]))
  }
}

function limitOf(metric: string, series: Series, given: Threshold): Limit {
  const { threshold: source, ...ending } = typeof given === 'string' ? { threshold: given } : given
  checkKeys(`the threshold's property`, ending, ['abortOnFail', 'delayAbortEval'])
  const [, statistic, comparison, number] =
    /^\s*([a-z]+(?:\([\d.]+\))?)\s*(===|[<>]=?|[!=]=)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(source) ?? []
  if (statistic === undefined)
    throw new TypeError(`the threshold "${source}" of ${metric} cannot be read: write it as "p(95)<500"`)
  const type = metricTypes[series.metric]
  if (type === 'trend') new Trend().value(statistic)
  else if (!statistics[type]!.includes(statistic))
    throw new TypeError(
      `the threshold "${source}" of ${metric} is about "${statistic}": a ${type} has ${statistics[type]!.join(' and ')}`,
    )
  const compare = comparisons[comparison!]!
  return {
    metric,
    source,
    series,
    statistic,
    holds: (value) => compare(value, Number(number)),
    abortsAfterMs: ending.abortOnFail ? millisecondsOf(ending.delayAbortEval ?? '0s') : undefined,
    ok: true,
  }
}
