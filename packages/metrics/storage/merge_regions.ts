/**
 * Reads all regions of a segment and merges them into families. It parses only entries that are new since its last call. The
 * workers do not take part: the numbers of one that hangs or has ended are as readable as those of one that runs.
 */
import { type Definition, valuesOf } from '../model/definition.ts'
import { type Family, labelText, type Series, seriesText } from '../model/family.ts'
import {
  droppedCell,
  isShown,
  labelsHalf,
  type Memory,
  type Place,
  type Region,
  reusesHalf,
} from './layout.ts'
import { conflictsFamily, damagedFamily, droppedFamily } from './own_families.ts'
import { readDefaultLabels, readRegion, type RegionVisitor } from './region_reader.ts'

export interface WorkersRegion extends Region {
  /** The number of the slot; undefined for the master's region. */
  readonly worker: number | undefined
}

const MOST_ATTEMPTS = 3

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
  /** The header's words about default labels and reuses of room, as they were when reading began. */
  labelsAt: number
  reuses: number
  labels: readonly [name: string, value: string][]
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
    this.#regions = regions.map((region, index) => ({
      region,
      next: 0,
      labelsAt: 0,
      reuses: 0,
      labels: [],
      families: new Map(),
      visitor: {
        family: (definition, { cells }) => this.#addFamily(definition, cells),
        series: (family, key, { at, cells, cellCount }) =>
          addSeries(family, key, this.#regions[index]!.labels, {
            at,
            cells,
            cellCount,
            worker: region.worker,
          }),
      },
    }))
  }

  /** The present numbers of all regions. */
  families(): Family[] {
    this.#read()
    const known = Array.from(this.#merged.values(), (shapes) => this.#declared(shapes))
    const newest = known.flatMap(([first]) => first ?? [])
    const shapes = known.reduce((sum, { length }) => sum + length, 0)
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

  /** The shapes of a name that some region declares, newest first. A worker may go back to an older one at any time. */
  #declared(shapes: ReadonlyMap<string, Merged>): Merged[] {
    const dated = Array.from(
      shapes.values(),
      (each) => [each, Math.max(...each.dates.map((cell) => this.#memory.f64[cell]!))] as const,
    )
    const declared = dated.filter(([, date]) => date > 0).toReversed()
    return declared.sort(([, a], [, b]) => b - a).map(([each]) => each)
  }

  #read(): void {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      if (this.#regions.some((each) => this.#isChanged(each))) this.#startAgain()
      for (const progress of this.#regions) this.#readNew(progress)
      // Room that was used again meanwhile may have been read as it was and as it is.
      if (!this.#regions.some((each) => this.#isChanged(each))) return
    }
  }

  /** Entries that were read before may have become others, or other default labels apply to them. */
  #isChanged({ region, labelsAt, reuses }: Progress): boolean {
    const { i32 } = this.#memory
    return i32[labelsHalf(region)] !== labelsAt || Atomics.load(i32, reusesHalf(region)) !== reuses
  }

  #startAgain(): void {
    this.#merged.clear()
    this.#damaged = 0
    for (const progress of this.#regions) {
      const { region, families } = progress
      progress.reuses = Atomics.load(this.#memory.i32, reusesHalf(region))
      progress.labelsAt = this.#memory.i32[labelsHalf(region)]!
      progress.labels = Object.entries(readDefaultLabels(this.#memory, region))
      progress.next = 0
      families.clear()
    }
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

function addSeries(
  { definition, series }: Merged,
  key: string,
  defaults: Progress['labels'],
  place: WorkersPlace,
): void {
  // The label values are parsed once: the same series has the same key in every region with the same default labels.
  const fullKey = defaults.length === 0 ? key : key + JSON.stringify(defaults)
  const known = series.get(fullKey) ?? { labels: textOf(definition, key, defaults), places: [] }
  known.places.push(place)
  series.set(fullKey, known)
}

/** In the order of prom-client, which has default labels last, but first for histograms. */
function textOf({ labelNames, type }: Definition, key: string, defaults: Progress['labels']): string {
  const values = valuesOf(key, labelNames)
  if (defaults.length === 0) return seriesText(labelNames, values)
  const own = labelNames.map((name, i) => [name, values[i]!] as const)
  const missing = defaults.filter(([name]) => (values[labelNames.indexOf(name)] ?? null) === null)
  const all = type === 'histogram' ? [...missing, ...own] : [...own, ...missing]
  return seriesText(
    all.map(([name]) => name),
    all.map(([, value]) => value),
  )
}
