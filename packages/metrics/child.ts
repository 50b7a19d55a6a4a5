/** One series as the process that counts holds it, and how it is named. The metric that makes it is metric.ts. */
import type { Cells } from './store.ts'

/** Values by label name. Numbers are taken, too, and written as text. */
export type Labels<Name extends string = string> = Partial<Record<Name, string | number>>

export const isLabels = <L extends object>(value: L | number | undefined | null): value is L =>
  typeof value === 'object' && value !== null

/** One series of a metric, as the process that counts holds it. */
export abstract class Child {
  /** Its labels as they stand on a page, from the first page on. */
  text: string | undefined

  /** Its numbers begin here: at hand, because an event is little more than this. */
  readonly f64: Float64Array
  readonly at: number

  constructor(
    readonly cells: Cells,
    /** Its label values, as JSON. */
    readonly key: string,
  ) {
    this.f64 = cells.memory.f64
    this.at = cells.cells
  }
}

/** A metric that times: its children leave that to it, because the labels of the end make another series. */
export interface Timed {
  labelsOf(child: Child): Labels
  startTimer(labels: Labels): (endLabels?: Labels) => number
}
