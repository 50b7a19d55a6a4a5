/** A child: one series of a metric in the process that counts it. metric.ts makes children and finds them by their labels. */
import type { Cells } from '../storage/store.ts'

/** Label values by label name. Numbers are written as text. */
export type Labels<Name extends string = string> = Partial<Record<Name, string | number>>

export const isLabels = <L extends object>(value: L | number | undefined | null): value is L =>
  typeof value === 'object' && value !== null

export abstract class Child {
  /** The labels as they stand on a page, since the first page. */
  text: string | undefined

  /** The numbers begin here. Copied from `cells`, because an event is little more than one access to them. */
  f64: Float64Array
  at: number

  constructor(
    public cells: Cells,
    /** The label values, see `keyOf`. */
    readonly key: string,
  ) {
    this.f64 = cells.memory.f64
    this.at = cells.cells
  }

  /** Goes on with the present numbers in other cells. */
  moveTo(cells: Cells): void {
    const { f64, at } = this
    cells.memory.f64.set(f64.subarray(at, at + cells.cellCount), cells.cells)
    this.cells = cells
    this.f64 = cells.memory.f64
    this.at = cells.cells
  }
}

/** A metric with timers. Its children use it, because labels given at the end lead to another series. */
export interface Timed {
  labelsOf(child: Child): Labels
  startTimer(labels: Labels): (endLabels?: Labels) => number
}
