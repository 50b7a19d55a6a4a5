/** A metric that goes up and down, with prom-client's interface. */
import type { Series } from './family.ts'
import { Child, isLabels, type Labels, type Timed } from './child.ts'
import { reservedLabel } from './definition.ts'
import { Metric, type MetricOptions } from './metric.ts'
import type { Cells } from './store.ts'
import { notANumber } from './validation.ts'

/** What goes up and down. */
export class GaugeChild extends Child {
  constructor(
    cells: Cells,
    key: string,
    readonly gauge: Timed,
    /** Whether it says when it was set: only who merges by that needs to know, and pays for it. */
    readonly isDated: boolean,
  ) {
    super(cells, key)
  }

  inc(delta = 1): void {
    if (typeof delta !== 'number') throw notANumber(delta, 'Delta')
    this.f64[this.at]! += delta
  }

  dec(delta = 1): void {
    this.inc(typeof delta === 'number' ? -delta : delta)
  }

  set(value: number): void {
    if (typeof value !== 'number') throw notANumber(value)
    this.f64[this.at] = value
    if (this.isDated) this.f64[this.at + 1] = Date.now()
  }

  /** Seconds since the epoch. */
  setToCurrentTime(): void {
    this.set(Date.now() / 1000)
  }

  /** @returns what sets the gauge to the seconds since now, and returns them. */
  startTimer(): (endLabels?: Labels) => number {
    return this.gauge.startTimer(this.gauge.labelsOf(this))
  }
}

export class Gauge<Name extends string = string> extends Metric<GaugeChild, Name> {
  readonly type = 'gauge'

  constructor(options: MetricOptions<Name, Gauge<Name>>) {
    super(options, reservedLabel({ type: 'gauge', ...options }))
    const isDated = this.aggregator === 'mostrecent'
    const { aggregator } = this
    this.declare(options, { aggregator }, (...child) => new GaugeChild(...child, this, isDated))
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

  /** @returns what sets the gauge to the seconds since now, and returns them. */
  startTimer(labels?: Labels<Name>): (endLabels?: Labels<Name>) => number {
    return this.timer(labels, (all, seconds) => this.child(all).set(seconds))
  }

  protected read({ f64, at }: GaugeChild): Omit<Series, 'labels'> {
    return { value: f64[at]! }
  }
}
