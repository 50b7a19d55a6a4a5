/**
 * Where one process keeps its numbers: a region of a shared segment, or memory of its own. There is one writer to a
 * region; it finds again what an earlier worker of its slot wrote there, and goes on from those numbers.
 */
import { type Definition, readRegion } from './definition.ts'
import {
  droppedCell,
  ENTRY_HEADER_WORDS,
  FAMILY,
  hide,
  type Memory,
  memoryOf,
  type Place,
  REGION_HEADER_WORDS,
  type Region,
  SERIES,
  show,
  WORD_BYTES,
} from './layout.ts'

/** The numbers of one series, and the memory in which they are. */
export interface Cells extends Place {
  readonly memory: Memory
}

export interface Store {
  /** Events whose label set found no room, or was above its family's limit, since the store exists. */
  readonly dropped: number
  countDropped(): void
  /**
   * The cells of a series, from now on shown. They hold what was counted before, unless the series was removed.
   * @param key its label values, as JSON
   * @param cellCount as of any series of that family
   * @param isLive false to reserve the room only
   * @returns undefined where there is no room
   */
  series(definition: Definition, key: string, cellCount: number, isLive?: boolean): Cells | undefined
}

const FIRST_HEAP_WORDS = 32
const MOST_HEAP_WORDS = 8192

/** For one process: as much as is needed, in pieces, because whoever has cells of one keeps them. */
export class HeapStore implements Store {
  dropped = 0
  #memory = memoryOf(new ArrayBuffer(FIRST_HEAP_WORDS * WORD_BYTES))
  #next = 0

  countDropped(): void {
    this.dropped++
  }

  /** A series has a header as in a region, but nothing in it: there is nobody else to read it. */
  series(_definition: Definition, _key: string, cellCount: number, isLive = true): Cells {
    const size = ENTRY_HEADER_WORDS + cellCount
    if (this.#next + size > this.#memory.f64.length) {
      const words = Math.max(Math.min(2 * this.#memory.f64.length, MOST_HEAP_WORDS), size)
      this.#memory = memoryOf(new ArrayBuffer(words * WORD_BYTES))
      this.#next = 0
    }
    const at = this.#next
    this.#next += size
    if (isLive) show(this.#memory, at)
    return { memory: this.#memory, at, cells: at + ENTRY_HEADER_WORDS, cellCount }
  }
}

/** A family of the region, by whichever worker. */
interface StoredFamily {
  definition: Definition
  entry: number
  /** Whether this process has declared it. */
  isDeclared: boolean
  /** Entries by label values. */
  series: Map<string, number>
}

const encoder = new TextEncoder()

/** A region of a segment, with what is in it. Gauges of the worker before are not ours: they are cleared. */
export class RegionStore implements Store {
  readonly #memory: Memory
  readonly #region: Region
  /** By definition, as JSON. */
  readonly #families = new Map<string, StoredFamily>()
  /** Nothing is written behind damage: readers do not get there. What comes before it is still counted. */
  readonly #isDamaged: boolean

  constructor(memory: Memory, region: Region) {
    this.#memory = memory
    this.#region = region
    const read = readRegion<StoredFamily>(memory, region, 0, new Map(), {
      family: (definition, { at }) => {
        const family = { definition, entry: at, isDeclared: false, series: new Map<string, number>() }
        this.#families.set(JSON.stringify(definition), family)
        return family
      },
      series: ({ definition, series }, key, entry) => {
        series.set(key, entry.at)
        if (definition.type === 'gauge') hide(memory, entry)
      },
    })
    this.#isDamaged = read === -1
  }

  get dropped(): number {
    return this.#memory.f64[droppedCell(this.#region)]!
  }

  countDropped(): void {
    this.#memory.f64[droppedCell(this.#region)]!++
  }

  series(definition: Definition, key: string, cellCount: number, isLive = true): Cells | undefined {
    const family = this.#declare(definition)
    const at =
      family && (family.series.get(key) ?? this.#append(SERIES, family.entry, key, cellCount, isLive))
    if (at === undefined) return undefined
    family!.series.set(key, at)
    if (isLive) show(this.#memory, at)
    return { memory: this.#memory, at, cells: this.#cellsOf(at, cellCount), cellCount }
  }

  /** Finds the family, or makes it, and dates it: of two that differ the one that was declared last is shown. */
  #declare(definition: Definition): StoredFamily | undefined {
    const payload = JSON.stringify(definition)
    const known = this.#families.get(payload)
    if (known?.isDeclared) return known
    const entry = known?.entry ?? this.#append(FAMILY, 0, payload, 1, false)
    if (entry === undefined) return undefined
    this.#memory.f64[this.#cellsOf(entry, 1)] = Date.now()
    const family = { definition, entry, isDeclared: true, series: known?.series ?? new Map<string, number>() }
    this.#families.set(payload, family)
    return family
  }

  /** Cells are the last words of an entry. */
  #cellsOf(entry: number, cellCount: number): number {
    return entry + this.#memory.i32[entry * 2]! - cellCount
  }

  /** Writes an entry, then commits it: a reader sees all of it or nothing. */
  #append(
    kind: number,
    family: number,
    payload: string,
    cellCount: number,
    isLive: boolean,
  ): number | undefined {
    if (this.#isDamaged) return undefined
    const { start, words } = this.#region
    const { f64, i32, bytes } = this.#memory
    const encoded = encoder.encode(payload)
    const size = ENTRY_HEADER_WORDS + Math.ceil(encoded.length / WORD_BYTES) + cellCount
    const committed = i32[start * 2]!
    const entry = start + REGION_HEADER_WORDS + committed
    if (entry + size > start + words) return undefined

    f64.fill(0, entry, entry + size)
    i32.set([size, kind, family, isLive ? 1 : 0, encoded.length, cellCount], entry * 2)
    bytes.set(encoded, (entry + ENTRY_HEADER_WORDS) * WORD_BYTES)
    Atomics.store(i32, start * 2, committed + size)
    return entry
  }
}
