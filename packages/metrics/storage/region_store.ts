/**
 * Keeps the numbers of one process in its region of the segment. A region has one writer; it finds the series that an earlier
 * worker of its slot wrote there, and goes on from their numbers.
 */
import type { Definition } from '../model/definition.ts'
import {
  droppedCell,
  ENTRY_HEADER_WORDS,
  FAMILY,
  FREE,
  hide,
  isShown,
  LABELS,
  labelsHalf,
  type Memory,
  placeAt,
  REGION_HEADER_WORDS,
  type Region,
  reusesHalf,
  SERIES,
  show,
  WORD_BYTES,
} from './layout.ts'
import { readDefaultLabels, readRegion } from './region_reader.ts'
import { SpareRoom } from './spare_room.ts'
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

/** How long the default labels of the worker before stay, so that a worker that sets the same makes no gap on the page. */
const LABELS_STAY_MS = 1000

const encoder = new TextEncoder()

/** Gauges of the worker before say nothing about this process: they are cleared when it opens the region. */
export class RegionStore implements Store {
  readonly #memory: Memory
  readonly #region: Region
  /** By definition, as JSON. */
  readonly #families = new Map<string, StoredFamily>()
  readonly #room: SpareRoom
  /** A damaged region takes no new entries, because readers stop at the damage. Series before it still count. */
  readonly #isDamaged: boolean
  #hasSetLabels = false

  constructor(memory: Memory, region: Region) {
    this.#memory = memory
    this.#region = region
    const room = new SpareRoom(memory, region)
    this.#room = room
    const read = readRegion<StoredFamily>(memory, region, 0, new Map(), {
      family: (definition, { at }) => {
        const family = { definition, entry: at, isDeclared: false, series: new Map<string, number>() }
        this.#families.set(JSON.stringify(definition), family)
        return family
      },
      series: ({ definition, series }, key, entry) => {
        series.set(key, entry.at)
        if (definition.type === 'gauge') hide(memory, entry)
        if (!isShown(memory, entry)) room.offer(entry.at, () => series.delete(key))
      },
      free: ({ at }) => room.offer(at),
    })
    this.#isDamaged = read === -1
    // The worker before may have been killed between using room and saying so.
    if (memory.i32[reusesHalf(region)] !== 0) room.noteReuse()
    if (memory.i32[labelsHalf(region)] !== 0) this.#dropLabelsLater()
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
    this.#room.keep(at)
    if (isLive) show(this.#memory, at)
    return { memory: this.#memory, ...placeAt(this.#memory, at) }
  }

  hide(definition: Definition, key?: string): void {
    const { series } = this.#families.get(JSON.stringify(definition)) ?? {}
    for (const at of key === undefined ? (series?.values() ?? []) : [series?.get(key)])
      if (at !== undefined) hide(this.#memory, placeAt(this.#memory, at))
  }

  declare(definition: Definition): void {
    this.#declare(definition)
  }

  /** Takes a family off the page, with the numbers of this region. */
  forget(definition: Definition): void {
    const family = this.#families.get(JSON.stringify(definition))
    if (!family) return
    this.hide(definition)
    family.isDeclared = false
    this.#memory.f64[placeAt(this.#memory, family.entry).cells] = 0
  }

  /** @throws Error when there is no room for them. */
  setDefaultLabels(labels: Record<string, string>): void {
    this.#hasSetLabels = true
    const { i32 } = this.#memory
    const payload = JSON.stringify(labels)
    if (payload === JSON.stringify(readDefaultLabels(this.#memory, this.#region))) return
    const at = payload === '{}' ? 0 : this.#append(LABELS, 0, payload, 0, false)
    if (at === undefined) throw new Error('The region has no room for the default labels: raise regionBytes')
    const before = Atomics.exchange(i32, labelsHalf(this.#region), at)
    if (before !== 0) Atomics.store(i32, before * 2 + 1, FREE)
  }

  #dropLabelsLater(): void {
    setTimeout(() => {
      if (!this.#hasSetLabels) this.setDefaultLabels({})
    }, LABELS_STAY_MS).unref()
  }

  /** Finds or makes the family and dates it: of two that differ the page shows the one that was declared last. */
  #declare(definition: Definition): StoredFamily | undefined {
    const payload = JSON.stringify(definition)
    const known = this.#families.get(payload)
    if (known?.isDeclared) return known
    const entry = known?.entry ?? this.#append(FAMILY, 0, payload, 1, false)
    if (entry === undefined) return undefined
    // 0 would say that the family is forgotten.
    this.#memory.f64[placeAt(this.#memory, entry).cells] = Date.now() || 1
    const family = { definition, entry, isDeclared: true, series: known?.series ?? new Map<string, number>() }
    this.#families.set(payload, family)
    return family
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
    const { i32 } = this.#memory
    const encoded = encoder.encode(payload)
    const size = ENTRY_HEADER_WORDS + Math.ceil(encoded.length / WORD_BYTES) + cellCount
    const committed = i32[start * 2]!
    const end = start + REGION_HEADER_WORDS + committed
    const isAtEnd = end + size <= start + words
    const at = isAtEnd ? end : this.#room.take(size)
    if (at === undefined) return undefined

    this.#memory.f64.fill(0, at + 1, at + size)
    i32.set([family, isLive ? 1 : 0, encoded.length, cellCount], at * 2 + 2)
    this.#memory.bytes.set(encoded, (at + ENTRY_HEADER_WORDS) * WORD_BYTES)
    Atomics.store(i32, at * 2, size)
    Atomics.store(i32, at * 2 + 1, kind)
    if (isAtEnd) Atomics.store(i32, start * 2, committed + size)
    else this.#room.noteReuse()
    return at
  }
}
