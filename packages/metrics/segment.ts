/**
 * One file for each process family, mapped by all its processes: two regions for each slot, because a worker starts while
 * the one before it still drains, and one of the master. The master makes and removes it; see layout.ts for the bytes.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Family } from './family.ts'
import {
  BOARD_WORDS,
  FAMILY,
  HEADER_WORDS,
  hide,
  isShown,
  LAYOUT_VERSION,
  MAGIC,
  type Memory,
  memoryOf,
  readEntries,
  readPayload,
  WORD_BYTES,
} from './layout.ts'
import { Reader, type RegionPlace } from './reader.ts'
import type { Shared } from './registry.ts'
import { type Definition, Store } from './store.ts'

/** Why a segment cannot be made or used, in words for whoever started the family. */
export class SegmentError extends Error {
  override name = 'SegmentError'
}

export interface SegmentOptions {
  /** Workers at most, from 1. */
  slots: number
  /** Bytes of one region (default 1 MiB). */
  regionBytes?: number
}

const DEFAULT_REGION_BYTES = 1024 * 1024
const PREFIX = 'bun-metrics-'
const CHUNK_BYTES = 1024 * 1024

/** In memory where the system has a file system for that. */
export const defaultFolder = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

export class Segment {
  readonly path: string
  readonly slots: number
  readonly #memory: Memory
  readonly #regionWords: number
  readonly #reader: Reader

  private constructor(path: string, memory: Memory) {
    this.path = path
    this.#memory = memory
    this.slots = memory.i32[2]!
    this.#regionWords = memory.i32[3]!
    this.#reader = new Reader(memory, this.#places())
  }

  /**
   * Makes the file of this process's family. Its bytes are written before they are mapped: a hole in a full file system
   * would kill at the first store.
   * @throws {SegmentError} where there is no room for it.
   */
  static create(
    name: string,
    { slots, regionBytes = DEFAULT_REGION_BYTES }: SegmentOptions,
    folder = defaultFolder(),
  ): Segment {
    removeStale(folder)
    const regionWords = Math.ceil(regionBytes / WORD_BYTES)
    const bytes = fileWords(slots, regionWords) * WORD_BYTES
    const path = join(folder, `${PREFIX}${name}-${process.pid}`)
    writeZeros(path, bytes)
    const memory = map(path)
    memory.i32[2] = slots
    memory.i32[3] = regionWords
    memory.i32[4] = process.pid
    memory.f64[3] = startTimeOf(process.pid) ?? 0
    memory.i32[1] = LAYOUT_VERSION
    Atomics.store(memory.i32, 0, MAGIC)
    return new Segment(path, memory)
  }

  /** @throws {SegmentError} where the file is no segment of this layout, or not whole. */
  static open(path: string): Segment {
    const size = sizeOf(path)
    if (size < HEADER_WORDS * WORD_BYTES)
      throw new SegmentError(`${path} is too small to be a metrics segment`)
    const memory = map(path)
    const [magic, version, slots, regionWords] = memory.i32
    if (magic !== MAGIC) throw new SegmentError(`${path} is no metrics segment`)
    if (version !== LAYOUT_VERSION) {
      throw new SegmentError(
        `${path} has layout ${version}, this program reads ${LAYOUT_VERSION}: restart the family`,
      )
    }
    if (slots! < 1 || regionWords! < HEADER_WORDS || size !== fileWords(slots!, regionWords!) * WORD_BYTES) {
      throw new SegmentError(`${path} is damaged: its size does not fit its header`)
    }
    return new Segment(path, memory)
  }

  /** Regions are numbered: slot 1 has 0 and 1, slot 2 has 2 and 3; the master's is the last. */
  get masterRegion(): number {
    return 2 * this.slots
  }

  /** For a registry of the process that writes this region. Only one process at a time may. */
  writer(region: number): Shared {
    const { start, words } = this.#placeOf(region)
    return { store: Store.region(this.#memory, start, words), families: () => this.families() }
  }

  /** Words beside a region that no metric touches: for whoever runs the workers. They outlive the worker that wrote them. */
  board(region: number): Float64Array {
    const from = HEADER_WORDS + regionCount(this.slots) * this.#regionWords + region * BOARD_WORDS
    return this.#memory.f64.subarray(from, from + BOARD_WORDS)
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
    const { start, words } = this.#placeOf(region)
    const gauges = new Map<number, string>()
    const cleared = new Map<string, number>()
    readEntries(this.#memory, start, words, 0, (entry) => {
      if (entry.kind === FAMILY) {
        const { name, type } = JSON.parse(readPayload(this.#memory, entry)) as Definition
        if (type === 'gauge') gauges.set(entry.at, name)
        return
      }
      const name = gauges.get(entry.family)
      if (name === undefined || !isShown(this.#memory, entry)) return
      cleared.set(name, (cleared.get(name) ?? 0) + this.#memory.f64[entry.cells]!)
      hide(this.#memory, entry)
    })
    return cleared
  }

  /** Removes the file. Who has it mapped keeps it until it ends. */
  remove(): void {
    rmSync(this.path, { force: true })
  }

  #places(): RegionPlace[] {
    return Array.from({ length: regionCount(this.slots) }, (_, region) => this.#placeOf(region))
  }

  #placeOf(region: number): RegionPlace {
    return {
      start: HEADER_WORDS + region * this.#regionWords,
      words: this.#regionWords,
      worker: region === this.masterRegion ? undefined : Math.floor(region / 2) + 1,
    }
  }
}

const regionCount = (slots: number): number => 2 * slots + 1

const fileWords = (slots: number, regionWords: number): number =>
  HEADER_WORDS + regionCount(slots) * (regionWords + BOARD_WORDS)

/** Removes the segments of masters that are gone. */
export function removeStale(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith(PREFIX))
    .map((file) => join(folder, file))
    .filter((path) => !isOwned(path) && isRemoved(path))
}

/**
 * A pid may belong to another process by now: its start time tells. A file without a header is one that its master is
 * just making.
 */
function isOwned(path: string): boolean {
  const startTime = startTimeOf(Number(path.slice(path.lastIndexOf('-') + 1)))
  if (startTime === undefined) return false
  try {
    const header = new Uint8Array(HEADER_WORDS * WORD_BYTES)
    const file = openSync(path, 'r')
    try {
      readSync(file, header)
    } finally {
      closeSync(file)
    }
    const { f64, i32 } = memoryOf(header.buffer)
    return i32[0] !== MAGIC || startTime === f64[3]
  } catch {
    return true // another user's, or gone
  }
}

/** What another user left here is not ours to remove. */
function isRemoved(path: string): boolean {
  try {
    rmSync(path, { force: true })
    return true
  } catch {
    return false
  }
}

/** Clock ticks since boot, field 22 of /proc/<pid>/stat; 0 where there is no /proc, undefined where there is no process. */
function startTimeOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return existsSync('/proc') ? undefined : 0
  }
}

function writeZeros(path: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(path))
  // Memory that is not there need not be used up first to find that out.
  if (bytes > bavail * bsize) throw noRoom(path, bytes, `${bavail * bsize} are free`)
  const file = openSync(path, 'wx', 0o600)
  try {
    const zeros = new Uint8Array(CHUNK_BYTES)
    for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
      const length = Math.min(left, CHUNK_BYTES)
      if (writeSync(file, zeros, 0, length) !== length) throw new Error('the file system is full')
    }
  } catch (error) {
    rmSync(path, { force: true })
    throw noRoom(path, bytes, (error as Error).message)
  } finally {
    closeSync(file)
  }
}

const noRoom = (path: string, bytes: number, why: string): SegmentError =>
  new SegmentError(
    `no room for the metrics segment: ${path} needs ${bytes} bytes (${why}): ` +
      'make room there, or use fewer workers or less memory for each',
  )

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    throw new SegmentError(`${path} cannot be read: is the process that made it still there?`)
  }
}

function map(path: string): Memory {
  const { buffer, byteOffset, byteLength } = Bun.mmap(path, { shared: true })
  return memoryOf(buffer as ArrayBuffer, byteOffset, byteLength)
}
