/** What histograms and summaries have in common: they observe values, and time what takes a while. */
import { Child, isLabels, type Labels, type Timed } from './child.ts'
import { Metric } from './metric.ts'
import type { Cells } from './store.ts'

export abstract class ObserverChild extends Child {
  constructor(
    cells: Cells,
    key: string,
    readonly observer: Timed,
  ) {
    super(cells, key)
  }

  /** @throws where the value is no finite number. */
  abstract observe(value: number): void

  /** @returns what observes the seconds since now, and returns them. */
  startTimer(): (endLabels?: Labels) => number {
    return this.observer.startTimer(this.observer.labelsOf(this))
  }
}

export abstract class Observer<C extends ObserverChild, Name extends string> extends Metric<C, Name> {
  /** @throws where the value is no finite number. */
  observe(value: number): void
  observe(labels: Labels<Name>, value: number): void
  observe(first: Labels<Name> | number, value?: number): void {
    this.of(first).observe(isLabels(first) ? (value as number) : first)
  }

  /** @returns what observes the seconds since now, under the labels of both ends, and returns them. */
  startTimer(labels?: Labels<Name>): (endLabels?: Labels<Name>) => number {
    return this.timer(labels, (all, seconds) => this.child(all).observe(seconds))
  }
}
