/**
 * What a process family shares: two regions for each slot, because a worker starts while the one before it still drains,
 * and one of the master. The master makes and removes it; see segment_file.ts for the file, layout.ts for the bytes.
 */
import { rmSync } from 'node:fs'
import { readRegion } from './definition.ts'
import type { Family } from './family.ts'
import { identityOf, livingPid } from './identity.ts'
import {
  boardOf,
  HEADER_WORDS,
  hide,
  isShown,
  type Memory,
  ownerOf,
  REGION_HEADER_WORDS,
  regionCount,
  WORD_BYTES,
} from './layout.ts'
import { Reader, type WorkersRegion } from './reader.ts'
import type { Shared } from './registry.ts'
import { defaultFolder, makeFile, openFile, removeStale, SegmentError } from './segment_file.ts'
import { RegionStore } from './store.ts'

export interface SegmentOptions {
  /** Workers at most, from 1. */
  slots: number
  /** Bytes for the metrics of one region (default 1 MiB). */
  regionBytes?: number
}

const DEFAULT_REGION_BYTES = 1024 * 1024

export class Segment {
  readonly path: string
  readonly slots: number
  readonly #memory: Memory
  readonly #regionWords: number
  readonly #reader: Reader

  private constructor({ path, memory }: { path: string; memory: Memory }) {
    this.path = path
    this.#memory = memory
    this.slots = memory.i32[2]!
    this.#regionWords = memory.i32[3]!
    const regions = Array.from({ length: regionCount(this.slots) }, (_, region) => this.#region(region))
    this.#reader = new Reader(memory, regions)
  }

  /**
   * Makes the file of this process's family, and removes those of masters that are gone.
   * @throws {SegmentError} where there is no room for it.
   */
  static create(
    name: string,
    { slots, regionBytes = DEFAULT_REGION_BYTES }: SegmentOptions,
    folder = defaultFolder(),
  ): Segment {
    removeStale(folder)
    const words = REGION_HEADER_WORDS + Math.ceil(regionBytes / WORD_BYTES)
    return new Segment(makeFile(folder, name, slots, words))
  }

  /** @throws {SegmentError} where the file is no segment of this layout, or not whole. */
  static open(path: string): Segment {
    return new Segment(openFile(path))
  }

  /** Regions are numbered: slot 1 has 0 and 1, slot 2 has 2 and 3; the master's is the last. */
  get masterRegion(): number {
    return 2 * this.slots
  }

  /**
   * For a registry of the process that writes this region.
   * @throws {SegmentError} where another one does and lives: two that add to one cell lose counts.
   */
  writer(region: number): Shared {
    const owner = ownerOf(this.#memory, this.#region(region))
    const before = Atomics.load(owner, 0)
    const own = identityOf(process.pid)
    const pid = before === own ? undefined : livingPid(before)
    if (pid !== undefined || Atomics.compareExchange(owner, 0, before, own) !== before) {
      throw new SegmentError(
        `${this.path}: region ${region} has a writer already, ${pid ?? 'since just now'}`,
      )
    }
    const store = new RegionStore(this.#memory, this.#region(region))
    return { store, families: () => this.families() }
  }

  /**
   * Words beside the region's metrics that belong to whoever runs the workers: 0 at first, and never touched from here.
   * They outlive the worker, as its counters do.
   */
  board(region: number): Float64Array {
    return boardOf(this.#memory, this.#region(region))
  }

  /** What the whole family counted, as it is now. */
  families(): Family[] {
    return this.#reader.families()
  }

  /**
   * Takes the gauges of a dead worker off the page. Only when nobody writes the region any more.
   * @returns what they were, by family, label sets added up: a worker that died had so many requests in flight.
   */
  clearGauges(region: number): Map<string, number> {
    const cleared = new Map<string, number>()
    readRegion(this.#memory, this.#region(region), 0, new Map(), {
      family: (definition) => ({ definition }),
      series: ({ definition: { name, type } }, _, entry) => {
        if (type !== 'gauge' || !isShown(this.#memory, entry)) return
        cleared.set(name, (cleared.get(name) ?? 0) + this.#memory.f64[entry.cells]!)
        hide(this.#memory, entry)
      },
    })
    return cleared
  }

  /** Removes the file. Who has it mapped keeps it until it ends. */
  remove(): void {
    rmSync(this.path, { force: true })
  }

  #region(region: number): WorkersRegion {
    if (!(region >= 0 && region <= this.masterRegion)) {
      throw new RangeError(`${this.path} has regions 0 to ${this.masterRegion}, not ${region}`)
    }
    return {
      start: HEADER_WORDS + region * this.#regionWords,
      words: this.#regionWords,
      worker: region === this.masterRegion ? undefined : Math.floor(region / 2) + 1,
    }
  }
}
