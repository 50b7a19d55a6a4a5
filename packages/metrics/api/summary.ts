/**
 * Count and sum of observations, with prom-client's interface. There are no quantiles, because those of several processes
 * cannot be merged: use a histogram for them.
 */
import type { Series } from '../model/family.ts'
import type { MetricOptions } from './metric.ts'
import { Observer, ObserverChild } from './observer.ts'
import { notANumber } from '../model/validation.ts'

export class SummaryChild extends ObserverChild {
  observe(value: number): void {
    if (!Number.isFinite(value)) throw notANumber(value)
    this.f64[this.at + 1]! += 1
    this.f64[this.at]! += value
  }
}

export interface SummaryOptions<Name extends string = string> extends MetricOptions<Name, Summary<Name>> {
  /** For prom-client's quantiles, which are not here. */
  percentiles?: readonly number[]
  maxAgeSeconds?: number
  ageBuckets?: number
  pruneAgedBuckets?: boolean
  compressCount?: number
}

export class Summary<Name extends string = string> extends Observer<SummaryChild, Name> {
  readonly type = 'summary'

  constructor(options: SummaryOptions<Name>) {
    super(options, 'quantile')
    this.declare(options, {}, (...child) => new SummaryChild(...child, this))
  }

  protected read({ f64, at }: SummaryChild): Omit<Series, 'labels'> {
    return { sum: f64[at]!, count: f64[at + 1]! }
  }
}

/** prom-client's names for the types of a child and of its own options. */
export declare namespace Summary {
  type Internal<_T extends string = string> = Pick<SummaryChild, 'observe' | 'startTimer'>
  interface Config {
    percentiles?: readonly number[]
  }
}
