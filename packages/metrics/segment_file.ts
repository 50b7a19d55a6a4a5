/**
 * The segment as a file: made with every byte written, mapped, refused where it is not whole, and removed when its master
 * is gone. What its words say is layout.ts's.
 */
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startTimeOf } from './identity.ts'
import {
  HEADER_WORDS,
  LAYOUT_VERSION,
  MAGIC,
  type Memory,
  memoryOf,
  REGION_HEADER_WORDS,
  regionCount,
  WORD_BYTES,
} from './layout.ts'

/** Why a segment cannot be made or used, in words for whoever started the family. */
export class SegmentError extends Error {
  override name = 'SegmentError'
}

const PREFIX = 'bun-metrics-'
const CHUNK_BYTES = 1024 * 1024

/** In memory where the system has a file system for that. */
export const defaultFolder = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

/** A mapped file. */
interface Mapped {
  path: string
  memory: Memory
}

/**
 * Its bytes are written before they are mapped: a hole in a full file system would kill at the first store.
 * @throws {SegmentError} where there is no room for it.
 */
export function makeFile(folder: string, name: string, slots: number, regionWords: number): Mapped {
  const path = join(folder, `${PREFIX}${name}-${process.pid}`)
  writeZeros(path, bytesOf(slots, regionWords))
  const memory = map(path)
  memory.i32.set([slots, regionWords, process.pid], 2)
  memory.f64[3] = startTimeOf(process.pid) ?? 0
  memory.i32[1] = LAYOUT_VERSION
  Atomics.store(memory.i32, 0, MAGIC)
  return { path, memory }
}

/** @throws {SegmentError} where the file is no segment of this layout, or not whole. */
export function openFile(path: string): Mapped {
  const size = sizeOf(path)
  if (size < HEADER_WORDS * WORD_BYTES) throw new SegmentError(`${path} is too small to be a metrics segment`)
  const memory = map(path)
  const [magic, version, slots, regionWords] = memory.i32
  if (magic !== MAGIC) throw new SegmentError(`${path} is no metrics segment`)
  if (version !== LAYOUT_VERSION) {
    throw new SegmentError(
      `${path} has layout ${version}, this program reads ${LAYOUT_VERSION}: restart the family`,
    )
  }
  if (slots! < 1 || regionWords! < REGION_HEADER_WORDS || size !== bytesOf(slots!, regionWords!)) {
    throw new SegmentError(`${path} is damaged: its size does not fit its header`)
  }
  return { path, memory }
}

const bytesOf = (slots: number, regionWords: number): number =>
  (HEADER_WORDS + regionCount(slots) * regionWords) * WORD_BYTES

/** Removes the segments of masters that are gone. @throws {SegmentError} where the folder cannot be read. */
export function removeStale(folder: string): string[] {
  return within(folder, () => readdirSync(folder))
    .filter((file) => file.startsWith(PREFIX))
    .map((file) => join(folder, file))
    .filter((path) => !isOwned(path) && isRemoved(path))
}

/**
 * A pid may belong to another process by now: its start time tells. A file without a header is one that its master is
 * just making, or was when it was killed: where this process has its pid by now (in containers all masters have 1).
 */
function isOwned(path: string): boolean {
  const pid = Number(path.slice(path.lastIndexOf('-') + 1))
  const startTime = startTimeOf(pid)
  if (startTime === undefined) return false
  try {
    const header = new Uint8Array(HEADER_WORDS * WORD_BYTES)
    // Without waiting: a pipe of that name would keep every master from starting.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      readSync(file, header)
    } finally {
      closeSync(file)
    }
    const { f64, i32 } = memoryOf(header.buffer)
    return i32[0] === MAGIC ? startTime === f64[3] : pid !== process.pid
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

function writeZeros(path: string, bytes: number): void {
  const folder = dirname(path)
  const { bavail, bsize } = within(folder, () => statfsSync(folder))
  // Memory that is not there need not be used up first to find that out.
  if (bytes > bavail * bsize) throw noRoom(path, bytes, `${bavail * bsize} are free`)
  const file = within(folder, () => openSync(path, 'wx', 0o600))
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

/** @throws {SegmentError} where the folder does not let this be done. */
function within<T>(folder: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    const { message } = error as Error
    throw new SegmentError(
      `${folder} cannot hold the metrics segment (${message}): make it a folder that this user can write to`,
    )
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
    throw new SegmentError(
      `${path} cannot be read: who made it has ended, or somebody removed it: restart the family`,
    )
  }
}

function map(path: string): Memory {
  const { buffer, byteOffset, byteLength } = Bun.mmap(path, { shared: true })
  return memoryOf(buffer as ArrayBuffer, byteOffset, byteLength)
}
