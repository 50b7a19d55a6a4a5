/**
 * Reads all regions of a segment and merges them into families. It parses only entries that are new since its last call. The
 * workers do not take part: the numbers of one that hangs or has ended are as readable as those of one that runs.
 */
import { type Definition, valuesOf } from '../model/definition.ts'
import { type Family, labelText, type Series, seriesText } from '../model/family.ts'
import { droppedCell, isShown, type Memory, type Place, type Region } from './layout.ts'
import { conflictsFamily, damagedFamily, droppedFamily } from './own_families.ts'
import { readRegion, type RegionVisitor } from './region_reader.ts'

export interface WorkersRegion extends Region {
  /** The number of the slot; undefined for the master's region. */
  readonly worker: number | undefined
}

interface WorkersPlace extends Place {
  readonly worker: number | undefined
}

interface MergedSeries {
  labels: string
  places: WorkersPlace[]
}

/** The families of one name and one shape, of all regions. */
interface Merged {
  definition: Definition
  /** Cells with the times at which workers declared it, in epoch milliseconds. */
  dates: number[]
  series: Map<string, MergedSeries>
}

interface Progress {
  region: WorkersRegion
  next: number
  /** Families of this region by entry. */
  families: Map<number, Merged>
  visitor: RegionVisitor<Merged>
}

export class SegmentReader {
  readonly #memory: Memory
  readonly #regions: readonly Progress[]
  /** By name, then by shape. The page shows the newest shape; the others stay, because a worker may declare them again. */
  readonly #merged = new Map<string, Map<string, Merged>>()
  #damaged = 0

  constructor(memory: Memory, regions: readonly WorkersRegion[]) {
    this.#memory = memory
    this.#regions = regions.map((region) => ({
      region,
      next: 0,
      families: new Map(),
      visitor: {
        family: (definition, { cells }) => this.#addFamily(definition, cells),
        series: (family, key, { at, cells, cellCount }) =>
          addSeries(family, key, { at, cells, cellCount, worker: region.worker }),
      },
    }))
  }

  /** The present numbers of all regions. */
  families(): Family[] {
    for (const progress of this.#regions) this.#readNew(progress)
    const newest = Array.from(this.#merged.values(), (shapes) => this.#newestOf(shapes))
    let shapes = 0
    for (const { size } of this.#merged.values()) shapes += size
    let dropped = 0
    for (const { region } of this.#regions) dropped += this.#memory.f64[droppedCell(region)]!
    return [
      ...newest
        .filter(({ definition }) => definition.aggregator !== 'omit')
        .map((merged) => this.#family(merged)),
      droppedFamily(dropped),
      conflictsFamily(shapes - newest.length),
      damagedFamily(this.#damaged),
    ]
  }

  /** Decided for each page, because a worker that goes back to an older declaration dates it anew. */
  #newestOf(shapes: ReadonlyMap<string, Merged>): Merged {
    const dateOf = ({ dates }: Merged) => Math.max(...dates.map((cell) => this.#memory.f64[cell]!))
    return [...shapes.values()].reduce((newest, each) => (dateOf(each) >= dateOf(newest) ? each : newest))
  }

  #readNew(progress: Progress): void {
    const { region, next, families, visitor } = progress
    if (next === -1) return
    progress.next = readRegion(this.#memory, region, next, families, visitor)
    if (progress.next === -1) this.#damaged++
  }

  #addFamily(definition: Definition, date: number): Merged {
    const { name, type, labelNames, buckets, aggregator } = definition
    const shape = JSON.stringify([type, labelNames, buckets, aggregator])
    const shapes = this.#merged.get(name) ?? new Map<string, Merged>()
    const merged: Merged = shapes.get(shape) ?? { definition, dates: [], series: new Map() }
    merged.dates.push(date)
    shapes.set(shape, merged)
    this.#merged.set(name, shapes)
    return merged
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
      // Hidden series are 0, so adding them changes nothing. Only when the sum is 0 does it matter whether one is shown.
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

  #gauge({ aggregator }: Definition, shown: readonly WorkersPlace[]): number {
    const { f64 } = this.#memory
    // Gauges that were declared and never set do not count, unless there are no others.
    const set = shown.filter(({ cells }) => f64[cells + 1] !== 0)
    const places = set.length === 0 || aggregator === 'sum' ? shown : set
    const values = places.map(({ cells }) => f64[cells]!)
    const sum = values.reduce((total, value) => total + value, 0)
    switch (aggregator) {
      case 'max':
        return Math.max(...values)
      case 'min':
        return Math.min(...values)
      case 'first':
        return values[0]!
      case 'average':
        return sum / values.length
      case 'mostrecent': {
        const dates = places.map(({ cells }) => f64[cells + 1]!)
        return values[dates.lastIndexOf(Math.max(...dates))]!
      }
      default:
        return sum
    }
  }

  /** The two regions of a slot count as one worker, also while a worker is being replaced. */
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

function addSeries({ definition, series }: Merged, key: string, place: WorkersPlace): void {
  // The label values are parsed once: the same series has the same key in every region.
  const known = series.get(key) ?? {
    labels: seriesText(definition.labelNames, valuesOf(key, definition.labelNames)),
    places: [],
  }
  known.places.push(place)
  series.set(key, known)
}
