/**
 * Copies the numbers of metrics that keep them elsewhere, such as those of prom-client, into a shared store, so that the page of
 * the whole cluster has them. Gauges are set; counters, histograms and summaries are added to, because the store goes on from the
 * numbers of earlier workers.
 */
import { type Aggregator, cellCountOf, type Definition, keyOf, reservedLabel } from '../model/definition.ts'
import { validateDeclaration } from '../model/validation.ts'
import { hide } from '../storage/layout.ts'
import type { Cells, SharedStore } from '../storage/store.ts'
import { countsOf, type PromClientItem, type PromClientSeries, seriesOf } from './prom_client.ts'

/** The copies of one metric. */
interface Copy {
  definition: Definition
  /** Undefined for a series without room, which is counted as dropped once. */
  series: Map<string, CopiedSeries | undefined>
}

interface CopiedSeries {
  cells: Cells
  /** The numbers of the last copy, in the order of the cells. */
  last: readonly number[]
}

export class Mirror {
  readonly #shared: SharedStore
  readonly #copies = new Map<object, Copy>()

  constructor(shared: SharedStore) {
    this.#shared = shared
  }

  /**
   * @param metric by which its copy is known: it need not tell its name
   * @param labelNames as declared, if the metric tells them
   * @returns whether the shared store can hold such a metric: prom-client does not check all names.
   */
  copy(metric: object, item: PromClientItem, labelNames: readonly string[] = []): boolean {
    const [all, buckets] = seriesOf(item)
    const copy = this.#copyOf(metric, item, buckets, [
      ...labelNames,
      ...all.flatMap(({ labels }) => Object.keys(labels)),
    ])
    if (!copy) return false
    const { definition, series } = copy
    const gone = new Map(series)
    for (const each of all) {
      const key = keyOf(definition.labelNames.map((name) => each.labels[name]?.toWellFormed() ?? null))
      gone.delete(key)
      if (!series.has(key)) series.set(key, this.#make(definition, key))
      const known = series.get(key)
      if (known) write(definition, known, numbersOf(definition, each))
    }
    for (const [key, known] of gone) {
      if (known) hide(known.cells.memory, known.cells)
      series.delete(key)
    }
    return true
  }

  /** Takes a metric off the page. */
  forget(metric: object): void {
    const copy = this.#copies.get(metric)
    if (copy) this.#shared.forget(copy.definition)
    this.#copies.delete(metric)
  }

  #copyOf(
    metric: object,
    item: PromClientItem,
    buckets: readonly number[],
    labels: readonly string[],
  ): Copy | undefined {
    const { name, help, type, aggregator } = item
    const known = this.#copies.get(metric)
    if (known && labels.every((label) => known.definition.labelNames.includes(label))) return known
    const definition: Definition = {
      name,
      help,
      type,
      labelNames: [...new Set([...(known?.definition.labelNames ?? []), ...labels])],
      ...(type === 'histogram' ? { buckets } : {}),
      ...(type === 'gauge' ? { aggregator: aggregator as Aggregator } : {}),
    }
    try {
      validateDeclaration(definition, reservedLabel(definition))
    } catch {
      return undefined
    }
    this.forget(metric)
    const copy: Copy = { definition, series: new Map() }
    this.#copies.set(metric, copy)
    this.#shared.declare(definition)
    return copy
  }

  #make(definition: Definition, key: string): CopiedSeries | undefined {
    const cells = this.#shared.store.series(definition, key, cellCountOf(definition))
    if (!cells) this.#shared.store.countDropped()
    return cells && { cells, last: Array.from({ length: cells.cellCount }, () => 0) }
  }
}

/** In the order of the cells, see storage/layout.ts. */
function numbersOf({ type }: Definition, series: PromClientSeries): number[] {
  if (type === 'histogram') return [series.sum ?? 0, ...countsOf(series)]
  if (type === 'summary') return [series.sum ?? 0, series.count ?? 0]
  return [series.value ?? 0, ...(type === 'gauge' ? [1] : [])]
}

function write({ type }: Definition, copied: CopiedSeries, numbers: readonly number[]): void {
  const { cells, last } = copied
  const { f64 } = cells.memory
  copied.last = numbers
  if (type === 'gauge') {
    f64.set(numbers, cells.cells)
    return
  }
  // Counts that fell were reset: they began at 0 again. A sum may also fall because of negative observations.
  const counts = (of: readonly number[]) =>
    of.slice(type === 'counter' ? 0 : 1).reduce((sum, each) => sum + each, 0)
  const isReset = counts(numbers) < counts(last)
  numbers.forEach((each, i) => (f64[cells.cells + i]! += each - (isReset ? 0 : last[i]!)))
}
