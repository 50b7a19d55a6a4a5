/** A child: one series of a metric in the process that counts it. metric.ts makes children and finds them by their labels. */
import type { LabelValues } from '../model/definition.ts'
import { unknownLabel, wrongLabelCount } from '../model/validation.ts'
import type { Cells } from '../storage/store.ts'

/** Label values by label name. Numbers are written as text. */
export type Labels<Name extends string = string> = Partial<Record<Name, string | number>>

export const isLabels = <L extends object>(value: L | number | undefined | null): value is L =>
  typeof value === 'object' && value !== null

/** Label values in the order of the label names. @throws for labels that the metric does not have. */
export function valuesInOrder<Name extends string>(
  labelNames: readonly Name[],
  args: [Labels<Name>] | (string | number)[],
): readonly (string | number | undefined)[] {
  const [labels] = args
  if (typeof labels !== 'object') {
    if (args.length !== labelNames.length) throw wrongLabelCount(args, labelNames)
    return args as (string | number)[]
  }
  for (const label in labels) if (!labelNames.includes(label as Name)) throw unknownLabel(label, labelNames)
  // Own properties only: a label may be called `constructor`.
  return labelNames.map((name) => (Object.hasOwn(labels, name) ? labels[name] : undefined))
}

/** Values as they are written. Half a surrogate pair becomes U+FFFD, because UTF-8 cannot express it. */
export const textsOf = (raw: readonly (string | number | undefined)[]): LabelValues =>
  raw.map((value) => (value === undefined ? null : String(value).toWellFormed()))

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
