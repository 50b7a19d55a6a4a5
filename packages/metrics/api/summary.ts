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

export class Summary<Name extends string = string> extends Observer<SummaryChild, Name> {
  readonly type = 'summary'

  constructor(options: MetricOptions<Name, Summary<Name>>) {
    super(options, 'quantile')
    this.declare(options, {}, (...child) => new SummaryChild(...child, this))
  }

  protected read({ f64, at }: SummaryChild): Omit<Series, 'labels'> {
    return { sum: f64[at]!, count: f64[at + 1]! }
  }
}
