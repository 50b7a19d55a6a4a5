/** What becomes of the samples of a metric: k6's four kinds of metric, and the values that each has in the summary. */

import { createHistogram } from 'node:perf_hooks'

export type MetricType = 'counter' | 'gauge' | 'rate' | 'trend'

export interface Sink {
  add(value: number): void
  /** By k6's names, such as `count` or `p(95)`. Without samples a trend or a rate has none of its own and says 0. */
  values(stats: readonly string[], elapsedMs: number): Record<string, number>
  /** Whether there is no value to compare a threshold with. */
  readonly isEmpty: boolean
}

export function newSink(type: MetricType): Sink {
  switch (type) {
    case 'counter':
      return new Counter()
    case 'gauge':
      return new Gauge()
    case 'rate':
      return new Rate()
    case 'trend':
      return new Trend()
  }
}

class Counter implements Sink {
  /** A counter without samples is 0, which a threshold may be about. */
  readonly isEmpty = false
  #count = 0

  add(value: number): void {
    this.#count += value
  }

  values(_: readonly string[], elapsedMs: number): Record<string, number> {
    return { count: this.#count, rate: elapsedMs > 0 ? (1000 * this.#count) / elapsedMs : 0 }
  }
}

class Gauge implements Sink {
  isEmpty = true
  #value = 0
  #min = Infinity
  #max = -Infinity

  add(value: number): void {
    this.isEmpty = false
    this.#value = value
    this.#min = Math.min(this.#min, value)
    this.#max = Math.max(this.#max, value)
  }

  values(): Record<string, number> {
    return this.isEmpty
      ? { value: 0, min: 0, max: 0 }
      : { value: this.#value, min: this.#min, max: this.#max }
  }
}

class Rate implements Sink {
  #passes = 0
  #total = 0

  get isEmpty(): boolean {
    return this.#total === 0
  }

  add(value: number): void {
    this.#total++
    if (value !== 0) this.#passes++
  }

  values(): Record<string, number> {
    const rate = this.isEmpty ? 0 : this.#passes / this.#total
    return { rate, passes: this.#passes, fails: this.#total - this.#passes }
  }
}

/** The histogram counts whole microseconds; samples are milliseconds. */
const UNITS_PER_MS = 1000
/** Two minutes, which is longer than any request may take. */
const HIGHEST = 120_000_000

/** An HdrHistogram with three significant figures: it takes the same memory for any number of samples. */
export class Trend implements Sink {
  readonly #histogram = createHistogram({ lowest: 1, highest: HIGHEST, figures: 3 })

  get isEmpty(): boolean {
    return this.#histogram.count === 0
  }

  add(ms: number): void {
    this.#histogram.record(Math.min(HIGHEST, Math.max(1, Math.round(ms * UNITS_PER_MS))))
  }

  values(stats: readonly string[]): Record<string, number> {
    return Object.fromEntries(stats.map((stat) => [stat, this.value(stat)]))
  }

  /** One statistic in milliseconds. @throws TypeError when k6 has no statistic of that name. */
  value(stat: string): number {
    const read = reader(stat)
    return this.isEmpty ? 0 : read(this.#histogram) / UNITS_PER_MS
  }

  reset(): void {
    this.#histogram.reset()
  }
}

type Histogram = ReturnType<typeof createHistogram>

function reader(stat: string): (histogram: Histogram) => number {
  switch (stat) {
    case 'avg':
      return ({ mean }) => mean
    case 'min':
      return ({ min }) => min
    case 'max':
      return ({ max }) => max
    case 'med':
      return percentile(50)
    default: {
      const [, percent] = /^p\((\d+(?:\.\d+)?)\)$/.exec(stat) ?? []
      if (percent === undefined || Number(percent) > 100)
        throw new TypeError(`"${stat}" is not a statistic: choose avg, min, med, max or p(0) to p(100)`)
      return percentile(Number(percent))
    }
  }
}

/** The histogram answers with the upper end of a bucket, which may be above the highest sample. */
const percentile =
  (percent: number) =>
  (histogram: Histogram): number =>
    Math.min(histogram.percentile(percent), histogram.max)
