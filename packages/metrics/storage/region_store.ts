/**
 * Keeps the numbers of one process in its region of the segment. A region has one writer; it finds the series that an earlier
 * worker of its slot wrote there, and goes on from their numbers.
 */
import type { Definition } from '../model/definition.ts'
import {
  droppedCell,
  ENTRY_HEADER_WORDS,
  FAMILY,
  hide,
  type Memory,
  REGION_HEADER_WORDS,
  type Region,
  SERIES,
  show,
  WORD_BYTES,
} from './layout.ts'
import { readRegion } from './region_reader.ts'
import type { Cells, Store } from './store.ts'

/** A family that this worker or an earlier one declared in the region. */
interface StoredFamily {
  definition: Definition
  entry: number
  /** Whether this process has declared it. */
  isDeclared: boolean
  /** Entries by key. */
  series: Map<string, number>
}

const encoder = new TextEncoder()

/** Gauges of the worker before say nothing about this process: they are cleared when it opens the region. */
export class RegionStore implements Store {
  readonly #memory: Memory
  readonly #region: Region
  /** By definition, as JSON. */
  readonly #families = new Map<string, StoredFamily>()
  /** A damaged region takes no new entries, because readers stop at the damage. Series before it still count. */
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

  /** Finds or makes the family and dates it: of two that differ the page shows the one that was declared last. */
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

  /** Writes an entry, then commits it: a reader sees the whole entry or none. */
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
