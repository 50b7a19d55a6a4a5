/**
 * The segment as a file: makes it, maps it, refuses one that is not whole, and removes those of masters that have ended.
 * layout.ts describes its bytes.
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
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startTimeOf } from '../process/identity.ts'
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

/** Says why a segment cannot be made or used, and what the operator can do. */
export class SegmentError extends Error {
  override name = 'SegmentError'
}

const PREFIX = 'bun-metrics-'
const CHUNK_BYTES = 1024 * 1024

/** /dev/shm, which is memory, where the system has it. */
export const defaultFolder = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

interface Mapped {
  path: string
  memory: Memory
}

/**
 * Writes every byte before the file is mapped: on a full file system a store into a hole would kill the process.
 * @throws {SegmentError} when there is no room for it.
 */
export function makeFile(folder: string, name: string, slots: number, regionWords: number): Mapped {
  // With a random part: containers may share the folder, and their masters may all have pid 1.
  const path = join(folder, `${PREFIX}${randomBytes(4).toString('hex')}-${name}-${process.pid}`)
  const header = memoryOf(new ArrayBuffer(HEADER_WORDS * WORD_BYTES))
  header.i32.set([slots, regionWords, process.pid], 2)
  header.f64[3] = startTimeOf(process.pid) ?? 0
  header.f64[4] = pidNamespace()
  writeZeros(path, header.bytes, bytesOf(slots, regionWords))
  const memory = map(path)
  made.add(path)
  memory.i32[1] = LAYOUT_VERSION
  Atomics.store(memory.i32, 0, MAGIC)
  return { path, memory }
}

/** @throws {SegmentError} when the file is not a segment of this layout, or not whole. */
export function openFile(path: string): Mapped {
  const size = sizeOf(path)
  if (size < HEADER_WORDS * WORD_BYTES) throw new SegmentError(`${path} is too small to be a metrics segment`)
  const memory = map(path)
  const [magic, version, slots, regionWords] = memory.i32
  if (magic !== MAGIC) throw new SegmentError(`${path} is not a metrics segment`)
  if (version !== LAYOUT_VERSION) {
    throw new SegmentError(
      `${path} has layout ${version}, this program reads ${LAYOUT_VERSION}: restart the master`,
    )
  }
  if (slots! < 1 || regionWords! < REGION_HEADER_WORDS || size !== bytesOf(slots!, regionWords!)) {
    throw new SegmentError(`${path} is damaged: its size does not fit its header`)
  }
  return { path, memory }
}

export const bytesOf = (slots: number, regionWords: number): number =>
  (HEADER_WORDS + regionCount(slots) * regionWords) * WORD_BYTES

/** Removes the segments of masters that have ended. @throws {SegmentError} when the folder cannot be read. */
export function removeStale(folder: string): string[] {
  return within(folder, () => readdirSync(folder))
    .filter((file) => file.startsWith(PREFIX))
    .map((file) => join(folder, file))
    .filter((path) => !isOwned(path) && isRemoved(path))
}

/** The inode of this process's pid namespace; 0 on a system without /proc. */
function pidNamespace(): number {
  try {
    return statSync('/proc/self/ns/pid').ino
  } catch {
    return 0
  }
}

/**
 * Tells whether the master that made the file still lives. Its pid may belong to another process by now, which the start time
 * shows. The pid of another namespace (a container that shares the folder) says nothing here: such a file is left alone. Of a
 * file whose header is not written yet only the name shows the pid; it is stale if a killed master had the pid of this process.
 */
function isOwned(path: string): boolean {
  try {
    const header = new Uint8Array(HEADER_WORDS * WORD_BYTES)
    // Non-blocking: opening a pipe of that name would otherwise wait for its writer.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      readSync(file, header)
    } finally {
      closeSync(file)
    }
    const { f64, i32 } = memoryOf(header.buffer)
    const [pid, namespace] = [i32[4]!, f64[4]!]
    if (pid === 0) return isNamedAfterOther(path)
    if (namespace !== 0 && namespace !== pidNamespace()) return true
    return startTimeOf(pid) === f64[3] && !isOfOwnPast(path, pid)
  } catch {
    return true // another user's file, or already removed
  }
}

function isNamedAfterOther(path: string): boolean {
  const pid = Number(path.slice(path.lastIndexOf('-') + 1))
  return pid !== process.pid && startTimeOf(pid) !== undefined
}

/** The files that this process made. `bun --watch` starts a program anew in the same process: the others are its past's. */
const made = new Set<string>()
const isOfOwnPast = (path: string, pid: number): boolean => pid === process.pid && !made.has(path)

/** @returns false when the file belongs to another user. */
function isRemoved(path: string): boolean {
  try {
    rmSync(path, { force: true })
    return true
  } catch {
    return false
  }
}

function writeZeros(path: string, header: Uint8Array, bytes: number): void {
  const folder = dirname(path)
  const { bavail, bsize } = within(folder, () => statfsSync(folder))
  // Asked first, so that a segment that is too large does not use up the memory of others before it fails.
  if (bytes > bavail * bsize) throw noRoom(path, bytes, `${bavail * bsize} are free`)
  const file = within(folder, () => openSync(path, 'wx', 0o600))
  try {
    if (writeSync(file, header) !== header.length) throw new Error('the file system is full')
    const zeros = new Uint8Array(CHUNK_BYTES)
    for (let left = bytes - header.length; left > 0; left -= CHUNK_BYTES) {
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

/** @throws {SegmentError} when the act fails in this folder. */
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
      `${path} cannot be read: its master has ended, or the file was removed: restart the master`,
    )
  }
}

function map(path: string): Memory {
  const { buffer, byteOffset, byteLength } = Bun.mmap(path, { shared: true })
  return memoryOf(buffer as ArrayBuffer, byteOffset, byteLength)
}
