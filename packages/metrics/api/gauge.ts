/** A number that goes up and down, with prom-client's interface. */
import type { Series } from '../model/family.ts'
import { Child, isLabels, type Labels, type Timed } from './child.ts'
import { type Aggregator, reservedLabel } from '../model/definition.ts'
import { Metric, type MetricOptions } from './metric.ts'
import type { Cells } from '../storage/store.ts'
import { notANumber } from '../model/validation.ts'

export class GaugeChild extends Child {
  constructor(
    cells: Cells,
    key: string,
    readonly gauge: Timed,
    /** How its values are merged, which decides whether it has to note that it was set. */
    readonly aggregator: Aggregator,
  ) {
    super(cells, key)
  }

  inc(delta = 1): void {
    if (typeof delta !== 'number') throw notANumber(delta, 'Delta')
    this.f64[this.at]! += delta
    if (this.aggregator !== 'sum') this.#note()
  }

  dec(delta = 1): void {
    this.inc(typeof delta === 'number' ? -delta : delta)
  }

  set(value: number): void {
    if (typeof value !== 'number') throw notANumber(value)
    this.f64[this.at] = value
    if (this.aggregator !== 'sum') this.#note()
  }

  /** A gauge that was declared and never set must not count as 0. The time costs a clock read: only one aggregator needs it. */
  #note(): void {
    this.f64[this.at + 1] = this.aggregator === 'mostrecent' ? Date.now() || 1 : 1
  }

  /** Sets the gauge to the seconds since the epoch. */
  setToCurrentTime(): void {
    this.set(Date.now() / 1000)
  }

  /** @returns a function that sets the gauge to the seconds since this call, and returns them. */
  startTimer(): (endLabels?: Labels) => number {
    return this.gauge.startTimer(this.gauge.labelsOf(this))
  }
}

export class Gauge<Name extends string = string> extends Metric<GaugeChild, Name> {
  readonly type = 'gauge'

  constructor(options: MetricOptions<Name, Gauge<Name>>) {
    super(options, reservedLabel({ type: 'gauge', ...options }))
    const { aggregator } = this
    this.declare(options, { aggregator }, (...child) => new GaugeChild(...child, this, aggregator))
  }

  inc(value?: number): void
  inc(labels: Labels<Name>, value?: number): void
  inc(first?: Labels<Name> | number, value?: number): void {
    this.of(first).inc(isLabels(first) ? value : first)
  }

  dec(value?: number): void
  dec(labels: Labels<Name>, value?: number): void
  dec(first?: Labels<Name> | number, value?: number): void {
    this.of(first).dec(isLabels(first) ? value : first)
  }

  set(value: number): void
  set(labels: Labels<Name>, value: number): void
  set(first: Labels<Name> | number, value?: number): void {
    this.of(first).set(isLabels(first) ? (value as number) : first)
  }

  setToCurrentTime(labels?: Labels<Name>): void {
    this.child(labels).setToCurrentTime()
  }

  /** @returns a function that sets the gauge to the seconds since this call, and returns them. */
  startTimer(labels?: Labels<Name>): (endLabels?: Labels<Name>) => number {
    return this.timer(labels, (all, seconds) => this.child(all).set(seconds))
  }

  protected read({ f64, at }: GaugeChild): Omit<Series, 'labels'> {
    return { value: f64[at]! }
  }
}

/** prom-client's names for the types of a child and of its own options. */
export declare namespace Gauge {
  type Internal<_T extends string = string> = Pick<
    GaugeChild,
    'inc' | 'dec' | 'set' | 'setToCurrentTime' | 'startTimer'
  >
}
