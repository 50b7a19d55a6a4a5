/**
 * The memory that the processes of a cluster share: two regions for each slot, because a worker starts while its predecessor
 * still drains, and one for the master. The master makes and removes it; segment_file.ts has the file, layout.ts the bytes.
 */
import { rmSync } from 'node:fs'
import { readRegion } from './region_reader.ts'
import type { Family } from '../model/family.ts'
import { identityOf, livingPid } from '../process/identity.ts'
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
import { SegmentReader, type WorkersRegion } from './merge_regions.ts'
import type { SharedStore } from './store.ts'
import { bytesOf, defaultFolder, makeFile, openFile, removeStale, SegmentError } from './segment_file.ts'
import { RegionStore } from './region_store.ts'

export interface SegmentOptions {
  /** The most workers that run at a time, at least 1. */
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
  readonly #reader: SegmentReader

  private constructor({ path, memory }: { path: string; memory: Memory }) {
    this.path = path
    this.#memory = memory
    this.slots = memory.i32[2]!
    this.#regionWords = memory.i32[3]!
    const regions = Array.from({ length: regionCount(this.slots) }, (_, region) => this.#region(region))
    this.#reader = new SegmentReader(memory, regions)
  }

  /**
   * Makes the file of this cluster, and removes the files of masters that have ended.
   * @throws {SegmentError} when there is no room for it.
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

  /** @returns the size of the file that `create` would make. */
  static bytesOf({ slots, regionBytes = DEFAULT_REGION_BYTES }: SegmentOptions): number {
    return bytesOf(slots, REGION_HEADER_WORDS + Math.ceil(regionBytes / WORD_BYTES))
  }

  /** @throws {SegmentError} when the file is not a segment of this layout, or not whole. */
  static open(path: string): Segment {
    return new Segment(openFile(path))
  }

  /** The last region. Slot 1 has the regions 0 and 1, slot 2 has 2 and 3, and so on. */
  get masterRegion(): number {
    return 2 * this.slots
  }

  /**
   * Makes this process the writer of a region, for a registry.
   * @throws {SegmentError} when another living process writes there: two writers of one cell would lose counts.
   */
  writer(region: number): SharedStore {
    const owner = ownerOf(this.#memory, this.#region(region))
    const before = Atomics.load(owner, 0)
    const own = identityOf(process.pid)
    const pid = before === own ? undefined : livingPid(before)
    if (pid !== undefined || Atomics.compareExchange(owner, 0, before, own) !== before) {
      throw new SegmentError(
        `${this.path}: region ${region} already has a writer, pid ${pid ?? 'unknown, it has just started'}`,
      )
    }
    const store = new RegionStore(this.#memory, this.#region(region))
    return {
      store,
      declare: (definition) => store.declare(definition),
      forget: (definition) => store.forget(definition),
      setDefaultLabels: (labels) => store.setDefaultLabels(labels),
      families: () => this.families(),
    }
  }

  /**
   * Words beside the region's metrics that belong to the process manager. They begin at 0, the metrics never touch them, and
   * they outlive the worker, as its counters do.
   */
  board(region: number): Float64Array {
    return boardOf(this.#memory, this.#region(region))
  }

  /** The present numbers of all processes of the cluster, merged. */
  families(): Family[] {
    return this.#reader.families()
  }

  /**
   * Takes the gauges of a dead worker off the page. Call it only after the region's writer has ended.
   * @returns the sum over the label sets of each gauge: it says for instance how many requests the worker had in flight.
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

  /** Removes the file. Processes that have mapped it keep the memory until they end. */
  remove(): void {
    rmSync(this.path, { force: true })
  }

  #region(region: number): WorkersRegion {
    if (!(region >= 0 && region <= this.masterRegion)) {
      throw new RangeError(`${this.path} has the regions 0 to ${this.masterRegion}, not ${region}`)
    }
    return {
      start: HEADER_WORDS + region * this.#regionWords,
      words: this.#regionWords,
      worker: region === this.masterRegion ? undefined : Math.floor(region / 2) + 1,
    }
  }
}
