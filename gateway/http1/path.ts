/**
 * Finds paths that two parsers could read differently: dot segments, empty segments, backslashes, encoded slashes and
 * control characters. They are rejected, so that the gateway routes on the same path that the upstream sees. A route may
 * accept encoded slashes and empty segments, but never those that could hide a dot segment.
 */
import { HEX, UNRESERVED } from './bytes.ts'

const SLASH = 0x2f
const BACKSLASH = 0x5c
const DOT = 0x2e
const SEMICOLON = 0x3b
const PERCENT = 0x25

export type PathForm = 'plain' | 'encoded' | 'slashes' | 'ambiguous'

/**
 * Reads a path, which begins with a slash.
 * @returns `'plain'` if it is its own normal form, `'encoded'` if it percent-encodes unreserved characters, `'slashes'`
 * if it has encoded slashes or empty segments, `'ambiguous'` if it must be rejected.
 */
export function readPath(bytes: Buffer, from: number, to: number): PathForm {
  let form: PathForm = 'plain'
  // Number of dots since the last slash; -1 once the segment holds another character.
  let dots = -1
  for (let i = from; i < to; i++) {
    let byte = bytes[i]!
    if (byte === BACKSLASH) return 'ambiguous'
    const isEncoded = byte === PERCENT
    if (isEncoded) {
      byte = encodedByte(bytes, i, to)
      if (byte < 0x20 || byte === 0x7f) return 'ambiguous'
      if (UNRESERVED[byte] === 1 && form === 'plain') form = 'encoded'
      i += 2
    }
    if (byte === SLASH || byte === BACKSLASH) {
      if (isDotSegment(dots)) return 'ambiguous'
      // No dots since the last slash: the segment is empty.
      if (isEncoded || dots === 0) form = 'slashes'
      dots = 0
      continue
    }
    // Some servers remove parameters first and read `..;a=b` as `..`.
    if (byte === SEMICOLON && isDotSegment(dots)) return 'ambiguous'
    dots = byte === DOT && dots !== -1 ? dots + 1 : -1
  }
  return isDotSegment(dots) ? 'ambiguous' : form
}

const isDotSegment = (dots: number): boolean => dots === 1 || dots === 2

/** The byte that a percent sign encodes; -1 if no two hexadecimal digits follow. */
function encodedByte(bytes: Buffer, at: number, to: number): number {
  if (at + 2 >= to) return -1
  const high = HEX[bytes[at + 1]!]!
  const low = HEX[bytes[at + 2]!]!
  return high > 15 || low > 15 ? -1 : high * 16 + low
}

/** The path with encoded unreserved characters decoded, for routing. */
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
