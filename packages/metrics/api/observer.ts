/** The common part of histograms and summaries: they observe values, and they time. */
import { Child, isLabels, type Labels, type Timed } from './child.ts'
import { Metric } from './metric.ts'
import type { Cells } from '../storage/store.ts'

export abstract class ObserverChild extends Child {
  constructor(
    cells: Cells,
    key: string,
    readonly observer: Timed,
  ) {
    super(cells, key)
  }

  /** @throws when the value is not a finite number. */
  abstract observe(value: number): void

  /** @returns a function that observes the seconds since this call, and returns them. */
  startTimer(): (endLabels?: Labels) => number {
    return this.observer.startTimer(this.observer.labelsOf(this))
  }
}

export abstract class Observer<C extends ObserverChild, Name extends string> extends Metric<C, Name> {
  /** @throws when the value is not a finite number. */
  observe(value: number): void
  observe(labels: Labels<Name>, value: number): void
  observe(first: Labels<Name> | number, value?: number): void {
    this.of(first).observe(isLabels(first) ? (value as number) : first)
  }

  /** The same. The series has the labels of this call and those of the returned function. */
  startTimer(labels?: Labels<Name>): (endLabels?: Labels<Name>) => number {
    return this.timer(labels, (all, seconds) => this.child(all).observe(seconds))
  }
}
