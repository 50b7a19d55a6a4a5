/**
 * Joins the parts of a message before they are written, so that a composed head and its body are one write to the
 * kernel. The process has one buffer for this; it is empty between two events.
 */
import type { Sink } from './write_queue.ts'

const BUFFER_BYTES = 65_536
/** Copying a larger part costs more than another write. */
const LARGE_BYTES = 32_768

const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
let length = 0

/** Adds a part. A large part, or one that does not fit, is written at once. */
export function coalesce(out: Sink, bytes: Buffer, from: number, to: number): void {
  const added = to - from
  if (length + added > BUFFER_BYTES || added > LARGE_BYTES) {
    flush(out)
    if (added > LARGE_BYTES) return out.write(bytes, from, to)
  }
  length += bytes.copy(buffer, length, from, to)
}

/** Reserves space in the buffer for bytes that are written in place. */
export function reserve(out: Sink, bytes: number): { buffer: Buffer; at: number } {
  if (length + bytes > BUFFER_BYTES) flush(out)
  return { buffer, at: length }
}

/** Adds the bytes that were written into the reserved space, up to `to`. */
export function commit(to: number): void {
  length = to
}

/** Drops the joined bytes. After an exception they must not reach another connection. */
export function discard(): void {
  length = 0
}

/** Writes the joined bytes. */
export function flush(out: Sink): void {
  if (length === 0) return
  const joined = length
  length = 0
  out.write(buffer, 0, joined, true)
}
