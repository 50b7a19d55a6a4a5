/**
 * Reads all regions of a segment and adds them up. It parses only what is new since its last look, and needs nobody's
 * help: the numbers of a worker that hangs or is dead are as readable as those of one that lives.
 */
import { type Family, labelText, type Series, seriesText } from './family.ts'
import { droppedCell, type Entry, FAMILY, isShown, type Memory, type Place, readEntries } from './layout.ts'
import { droppedFamily } from './registry.ts'
import { type Definition, readDefinition, readKey, valuesOf } from './store.ts'

/** A region as the reader sees it. */
export interface RegionPlace {
  start: number
  words: number
  /** The slot's number, or undefined for the master's region. */
  worker: number | undefined
}

interface WorkersPlace extends Place {
  worker: number | undefined
}

interface MergedSeries {
  labels: string
  places: WorkersPlace[]
}

/** Families of one name and one shape. */
interface Merged {
  definition: Definition
  /** Cells that say when a worker declared it, in epoch milliseconds. */
  dates: number[]
  series: Map<string, MergedSeries>
}

interface Progress {
  place: RegionPlace
  next: number
  /** Families of this region by entry. */
  families: Map<number, Merged>
}

export class Reader {
  readonly #memory: Memory
  readonly #regions: Progress[]
  /** By name and shape. Of several shapes the newest is shown; the others are kept, because a worker may come back to them. */
  readonly #merged = new Map<string, Map<string, Merged>>()
  #damaged = 0

  constructor(memory: Memory, regions: readonly RegionPlace[]) {
    this.#memory = memory
    this.#regions = regions.map((place) => ({ place, next: 0, families: new Map() }))
  }

  /** The process family's numbers as they are now. */
  families(): Family[] {
    for (const region of this.#regions) this.#readNew(region)
    const newest = Array.from(this.#merged.values(), (shapes) => this.#newestOf(shapes))
    let shapes = 0
    for (const { size } of this.#merged.values()) shapes += size
    let dropped = 0
    for (const { place } of this.#regions) dropped += this.#memory.f64[droppedCell(place.start)]!
    return [
      ...newest.map((merged) => this.#family(merged)),
      droppedFamily(dropped),
      {
        name: 'metrics_conflicts_total',
        help: 'Families that workers declare differently: the newer declaration is shown',
        type: 'counter',
        series: [{ labels: '', value: shapes - newest.length }],
      },
      {
        name: 'metrics_damaged_regions',
        help: 'Regions that cannot be read any further',
        type: 'gauge',
        series: [{ labels: '', value: this.#damaged }],
      },
    ]
  }

  /** A worker that goes back to an older declaration dates it anew, hence a look at each page. */
  #newestOf(shapes: ReadonlyMap<string, Merged>): Merged {
    const dateOf = ({ dates }: Merged) => Math.max(...dates.map((cell) => this.#memory.f64[cell]!))
    return [...shapes.values()].reduce((newest, each) => (dateOf(each) >= dateOf(newest) ? each : newest))
  }

  #readNew(region: Progress): void {
    if (region.next === -1) return
    const { place } = region
    region.next = readEntries(this.#memory, place.start, place.words, region.next, (entry) => {
      if (entry.kind === FAMILY) this.#addFamily(region, entry)
      else this.#addSeries(region, entry)
    })
    if (region.next === -1) this.#damaged++
  }

  #addFamily(region: Progress, entry: Entry): void {
    const definition = readDefinition(this.#memory, entry)
    const { name, type, labelNames, buckets, aggregator } = definition
    const shape = JSON.stringify([type, labelNames, buckets, aggregator])
    const shapes = this.#merged.get(name) ?? new Map<string, Merged>()
    const merged: Merged = shapes.get(shape) ?? { definition, dates: [], series: new Map() }
    merged.dates.push(entry.cells)
    shapes.set(shape, merged)
    this.#merged.set(name, shapes)
    region.families.set(entry.at, merged)
  }

  #addSeries(region: Progress, entry: Entry): void {
    const merged = region.families.get(entry.family)
    if (!merged) throw new TypeError('a series without a family')
    // Parsed once, whichever region has it first: the others have it letter by letter.
    const key = readKey(this.#memory, entry, merged.definition)
    const series = merged.series.get(key) ?? {
      labels: seriesText(merged.definition.labelNames, valuesOf(key, merged.definition.labelNames)),
      places: [],
    }
    const { at, cells, cellCount } = entry
    series.places.push({ at, cells, cellCount, worker: region.place.worker })
    merged.series.set(key, series)
  }

  #family({ definition, series }: Merged): Family {
    const { name, help, type, buckets } = definition
    return {
      name,
      help,
      type,
      ...(buckets ? { buckets } : {}),
      series: this.#series(definition, series.values()),
    }
  }

  *#series(definition: Definition, merged: Iterable<MergedSeries>): Iterable<Series> {
    for (const { labels, places } of merged) {
      if (definition.type === 'gauge') {
        yield* this.#gauges(
          definition,
          labels,
          places.filter((place) => isShown(this.#memory, place)),
        )
        continue
      }
      // Cells that are not shown are 0, so they may be added; only where all are 0 is there something to ask.
      const isShownAt0 = () => places.some((place) => isShown(this.#memory, place))
      if (definition.type === 'counter') {
        let value = 0
        for (const { cells } of places) value += this.#memory.f64[cells]!
        if (value !== 0 || isShownAt0()) yield { labels, value }
        continue
      }
      const sums = this.#sum(places)
      if (sums.every((sum) => sum === 0) && !isShownAt0()) continue
      if (definition.type === 'summary') yield { labels, sum: sums[0]!, count: sums[1]! }
      else yield { labels, sum: sums[0]!, counts: sums.subarray(1) }
    }
  }

  #sum(places: readonly WorkersPlace[]): Float64Array {
    const { f64 } = this.#memory
    const sums = new Float64Array(places[0]!.cellCount)
    for (const { cells } of places) for (let i = 0; i < sums.length; i++) sums[i]! += f64[cells + i]!
    return sums
  }

  *#gauges(definition: Definition, labels: string, shown: readonly WorkersPlace[]): Iterable<Series> {
    if (shown.length === 0) return
    if (definition.aggregator === 'worker') yield* this.#byWorker(labels, shown)
    else yield { labels, value: this.#gauge(definition, shown) }
  }

  #gauge({ aggregator }: Definition, places: readonly WorkersPlace[]): number {
    const { f64 } = this.#memory
    const values = places.map(({ cells }) => f64[cells]!)
    switch (aggregator) {
      case 'max':
        return Math.max(...values)
      case 'min':
        return Math.min(...values)
      case 'mostrecent':
        return f64[
          places.reduce((last, each) => (f64[each.cells + 1]! >= f64[last.cells + 1]! ? each : last)).cells
        ]!
      default:
        return values.reduce((sum, value) => sum + value, 0)
    }
  }

  /** Two regions of one slot are one worker's: the newer of a slot that is just replaced adds to the older. */
  *#byWorker(labels: string, places: readonly WorkersPlace[]): Iterable<Series> {
    const { f64 } = this.#memory
    const byWorker = new Map<string, number>()
    for (const { worker, cells } of places) {
      const label = String(worker ?? 'master')
      byWorker.set(label, (byWorker.get(label) ?? 0) + f64[cells]!)
    }
    for (const [worker, value] of byWorker) {
      const own = labelText(['worker'], [worker])
      yield { labels: labels === '' ? own : `${labels},${own}`, value }
    }
  }
}
