/**
 * Where one process keeps its numbers: a region of a shared segment, or a buffer of its own that grows. There is one
 * writer to a region; it finds again what an earlier worker of its slot wrote there, and goes on from those numbers.
 */
import type { MetricType } from './family.ts'
import {
  droppedCell,
  ENTRY_HEADER_WORDS,
  type Entry,
  FAMILY,
  hide,
  isShown,
  type Memory,
  memoryOf,
  type Place,
  readEntries,
  readPayload,
  REGION_HEADER_WORDS,
  SERIES,
  show,
  WORD_BYTES,
} from './layout.ts'
import { validateDeclaration } from './validation.ts'

/** How the values of several workers become one; `worker` keeps one series for each, with a `worker` label. */
export type Aggregator = 'sum' | 'max' | 'min' | 'mostrecent' | 'worker'

/** A family as it stands in the store. */
export interface Definition {
  name: string
  help: string
  type: MetricType
  labelNames: readonly string[]
  buckets?: readonly number[]
  aggregator?: Aggregator
}

/** Label values in the order of the label names; null for a label that was left out. */
export type LabelValues = readonly (string | null)[]

/** @throws where the entry is no definition: a damaged file must break neither a page nor a worker. */
export function readDefinition(memory: Memory, entry: Entry): Definition {
  const definition = JSON.parse(readPayload(memory, entry)) as Definition
  const { name, help, type, labelNames, buckets } = definition
  validateDeclaration(definition, RESERVED_LABELS[type])
  const isSane =
    typeof name === 'string' &&
    typeof help === 'string' &&
    Object.hasOwn(RESERVED_LABELS, type) &&
    new Set(labelNames).size === labelNames.length &&
    (type === 'histogram' ? buckets!.every(Number.isFinite) : buckets === undefined) &&
    entry.cellCount === 1
  if (!isSane) throw new TypeError(`${name} is no definition`)
  return definition
}

/**
 * The label values of a series, as the JSON that names it in its family.
 * @throws where the entry has not the cells of such a series.
 */
export function readKey(memory: Memory, entry: Entry, { type, buckets }: Definition): string {
  const cellCount = type === 'counter' ? 1 : type === 'histogram' ? buckets!.length + 2 : 2
  if (entry.cellCount !== cellCount) throw new TypeError('no series of its family')
  return readPayload(memory, entry)
}

/** @throws where the key names no series of this family. */
export function valuesOf(key: string, labelNames: readonly string[]): LabelValues {
  const values = JSON.parse(key) as LabelValues
  const isSane =
    values.length === labelNames.length &&
    values.every((value) => value === null || typeof value === 'string')
  if (!isSane) throw new TypeError('no series of its family')
  return values
}

/** The cells of a series: they move when a store of its own grows. */
export interface Cells {
  f64: Float64Array
  at: number
  readonly count: number
  /** NOWHERE for a series that found no room. */
  readonly entry: number
}

/** A family of the region, by whichever worker. */
interface StoredFamily {
  entry: number
  /** Whether this process has declared it. */
  isDeclared: boolean
  /** Entries by label values. */
  series: Map<string, number>
}

export const NOWHERE = -1

const HEAP_WORDS = 512
const RESERVED_LABELS = {
  counter: undefined,
  gauge: undefined,
  histogram: 'le',
  summary: 'quantile',
} as const
const encoder = new TextEncoder()

const placeOf = ({ entry, at, count }: Cells): Place => ({ at: entry, cells: at, cellCount: count })

export class Store {
  #memory: Memory
  readonly #region: number
  #words: number
  readonly #isHeap: boolean
  #isDamaged = false
  readonly #families = new Map<string, StoredFamily>()
  readonly #handedOut: Cells[] = []

  private constructor(memory: Memory, region: number, words: number, isHeap: boolean) {
    this.#memory = memory
    this.#region = region
    this.#words = words
    this.#isHeap = isHeap
  }

  /** For one process: memory of its own, as much as is needed. */
  static heap(): Store {
    return new Store(memoryOf(new ArrayBuffer(HEAP_WORDS * WORD_BYTES)), 0, HEAP_WORDS, true)
  }

  /** A region of a segment, with what is in it. Gauges of the worker before are not ours: they are cleared. */
  static region(memory: Memory, region: number, words: number): Store {
    const store = new Store(memory, region, words, false)
    store.#load()
    return store
  }

  /** Label sets that found no room, or were above their family's limit, since the region exists. */
  get dropped(): number {
    return this.#memory.f64[droppedCell(this.#region)]!
  }

  countDropped(): void {
    this.#memory.f64[droppedCell(this.#region)]!++
  }

  /**
   * The cells of a series, from now on shown. They hold what was counted before, unless the series was removed.
   * @param key its label values, as JSON
   * @param live false to reserve the room only
   * @returns undefined where there is no room
   */
  series(definition: Definition, key: string, cellCount: number, live = true): Cells | undefined {
    const family = this.#declare(definition)
    if (!family) return undefined
    const entry = family.series.get(key) ?? this.#append(SERIES, family.entry, key, cellCount, live ? 1 : 0)
    if (entry === undefined) return undefined
    family.series.set(key, entry)
    const { f64, i32 } = this.#memory
    const cells: Cells = { f64, at: entry + i32[entry * 2]! - cellCount, count: cellCount, entry }
    if (live) this.show(cells)
    if (this.#isHeap) this.#handedOut.push(cells)
    return cells
  }

  /** Shows a series; one that was not shown begins at 0. */
  show({ entry }: Cells): void {
    if (entry !== NOWHERE) show(this.#memory, entry)
  }

  hide(cells: Cells): void {
    if (cells.entry !== NOWHERE) hide(this.#memory, placeOf(cells))
  }

  isShown(cells: Cells): boolean {
    return cells.entry !== NOWHERE && isShown(this.#memory, placeOf(cells))
  }

  /** Finds the family, or makes it, and dates it: of two that differ the one that was declared last is shown. */
  #declare(definition: Definition): StoredFamily | undefined {
    const payload = JSON.stringify(definition)
    const known = this.#families.get(payload)
    if (known?.isDeclared) return known
    const entry = known?.entry ?? this.#append(FAMILY, 0, payload, 1, 0)
    if (entry === undefined) return undefined
    const { f64, i32 } = this.#memory
    f64[entry + i32[entry * 2]! - 1] = Date.now()
    const family = { entry, isDeclared: true, series: known?.series ?? new Map<string, number>() }
    this.#families.set(payload, family)
    return family
  }

  /** Writes an entry, then commits it: a reader sees all of it or nothing. */
  #append(
    kind: number,
    family: number,
    payload: string,
    cellCount: number,
    live: number,
  ): number | undefined {
    if (this.#isDamaged) return undefined
    const bytes = encoder.encode(payload)
    const size = ENTRY_HEADER_WORDS + Math.ceil(bytes.length / WORD_BYTES) + cellCount
    const committed = this.#memory.i32[this.#region * 2]!
    const entry = this.#region + REGION_HEADER_WORDS + committed
    if (entry + size > this.#region + this.#words && !this.#grow(size)) return undefined

    const { f64, i32, bytes: all } = this.#memory
    f64.fill(0, entry, entry + size)
    i32[entry * 2] = size
    i32[entry * 2 + 1] = kind
    i32[entry * 2 + 2] = family
    i32[entry * 2 + 3] = live
    i32[entry * 2 + 4] = bytes.length
    i32[entry * 2 + 5] = cellCount
    all.set(bytes, (entry + ENTRY_HEADER_WORDS) * WORD_BYTES)
    Atomics.store(i32, this.#region * 2, committed + size)
    return entry
  }

  #grow(size: number): boolean {
    if (!this.#isHeap) return false
    while (this.#words < this.#memory.f64.length + size) this.#words *= 2
    const larger = memoryOf(new ArrayBuffer(this.#words * WORD_BYTES))
    larger.f64.set(this.#memory.f64)
    this.#memory = larger
    for (const cells of this.#handedOut) cells.f64 = larger.f64
    return true
  }

  #load(): void {
    const byEntry = new Map<number, { definition: Definition; series: Map<string, number> }>()
    const load = (entry: Entry) => {
      if (entry.kind === FAMILY) {
        const definition = readDefinition(this.#memory, entry)
        const family = { entry: entry.at, isDeclared: false, series: new Map<string, number>() }
        this.#families.set(JSON.stringify(definition), family)
        byEntry.set(entry.at, { definition, series: family.series })
        return
      }
      const family = byEntry.get(entry.family)
      if (!family) throw new TypeError('a series without a family')
      family.series.set(readKey(this.#memory, entry, family.definition), entry.at)
      if (family.definition.type === 'gauge') hide(this.#memory, entry)
    }
    // Nothing is written behind damage: readers do not get there. What comes before it is still counted.
    if (readEntries(this.#memory, this.#region, this.#words, 0, load) === -1) this.#isDamaged = true
  }
}
