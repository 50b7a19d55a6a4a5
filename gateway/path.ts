/**
 * Paths that two parsers could take for two different ones: dot segments, empty segments, slashes and backslashes in
 * disguise, control characters. They are refused, so that the path that is routed on is the one the upstream sees.
 */
import { HEX, UNRESERVED } from './bytes.ts'

const SLASH = 0x2f
const BACKSLASH = 0x5c
const DOT = 0x2e
const SEMICOLON = 0x3b
const PERCENT = 0x25

/**
 * Reads a path, which begins with a slash.
 * @returns `'plain'` where it is its own normal form, `'encoded'` where letters in it are percent-encoded for no
 * reason, `'ambiguous'` where it must be refused.
 */
export function readPath(bytes: Buffer, from: number, to: number): 'plain' | 'encoded' | 'ambiguous' {
  let form: 'plain' | 'encoded' = 'plain'
  // Dots since the last slash; -1 once the segment holds anything else.
  let dots = -1
  for (let i = from; i < to; i++) {
    let byte = bytes[i]!
    if (byte === BACKSLASH) return 'ambiguous'
    if (byte === SLASH) {
      // Two slashes: a segment that began and did not go on.
      if (isDotSegment(dots) || dots === 0) return 'ambiguous'
      dots = 0
      continue
    }
    if (byte === PERCENT) {
      byte = encodedByte(bytes, i, to)
      if (byte < 0x20 || byte === 0x7f || byte === SLASH || byte === BACKSLASH) return 'ambiguous'
      if (UNRESERVED[byte] === 1) form = 'encoded'
      i += 2
    }
    // `..;a=b` is `..` to those who cut off parameters first.
    if (byte === SEMICOLON && isDotSegment(dots)) return 'ambiguous'
    dots = byte === DOT && dots !== -1 ? dots + 1 : -1
  }
  return isDotSegment(dots) ? 'ambiguous' : form
}

const isDotSegment = (dots: number): boolean => dots === 1 || dots === 2

/** What stands behind a percent sign; -1 where that are no two digits. */
function encodedByte(bytes: Buffer, at: number, to: number): number {
  if (at + 2 >= to) return -1
  const high = HEX[bytes[at + 1]!]!
  const low = HEX[bytes[at + 2]!]!
  return high > 15 || low > 15 ? -1 : high * 16 + low
}

/** The path with its needlessly encoded letters decoded, to route on. */
export function normalPath(bytes: Buffer, from: number, to: number): Buffer {
  const path = Buffer.allocUnsafe(to - from)
  let length = 0
  for (let i = from; i < to; i++) {
    const byte = bytes[i] === PERCENT ? encodedByte(bytes, i, to) : -1
    if (byte !== -1 && UNRESERVED[byte] === 1) {
      path[length++] = byte
      i += 2
    } else path[length++] = bytes[i]!
  }
  return path.subarray(0, length)
}
