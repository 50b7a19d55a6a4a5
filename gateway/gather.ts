/**
 * Puts the parts of a message together before they are written: a head that was composed and the body that came with
 * it are one write to the kernel, not two. There is one buffer for the whole process, empty between two events.
 */
import type { Sink } from './outbox.ts'

const GATHERED_BYTES = 65_536
/** From here on a copy costs more than a write. */
const LARGE_BYTES = 32_768

const buffer = Buffer.allocUnsafeSlow(GATHERED_BYTES)
let length = 0

/** Adds a part. What is large, or does not fit, goes out at once. */
export function gather(out: Sink, bytes: Buffer, from: number, to: number): void {
  const added = to - from
  if (length + added > GATHERED_BYTES || added > LARGE_BYTES) {
    flush(out)
    if (added > LARGE_BYTES) return out.write(bytes, from, to)
  }
  length += bytes.copy(buffer, length, from, to)
}

/** Room in the buffer for something that is written in place. */
export function room(out: Sink, bytes: number): { buffer: Buffer; at: number } {
  if (length + bytes > GATHERED_BYTES) flush(out)
  return { buffer, at: length }
}

/** Takes what was written into the room, up to here. */
export function fill(to: number): void {
  length = to
}

/** Forgets what was gathered, for whoever failed before it was written: it must not reach anybody else. */
export function discard(): void {
  length = 0
}

/** Writes what was gathered. */
export function flush(out: Sink): void {
  if (length === 0) return
  const gathered = length
  length = 0
  out.write(buffer, 0, gathered, true)
}
