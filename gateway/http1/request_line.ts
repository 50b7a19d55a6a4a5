/**
 * Reads the first line of a request (RFC 9112 section 3) strictly. It is read for each request, unlike the header block,
 * which seldom changes. path.ts checks the path.
 */
import { CR, LF, SP, TARGET, TOKEN } from './bytes.ts'
import { CONNECT, methodOf, OPTIONS } from './methods.ts'
import type { Rejection } from './rejections.ts'

const SCHEME = Buffer.from('http://')
const VERSION = Buffer.from('HTTP/')
const SLASH = 0x2f
const QUESTION_MARK = 0x3f

/** Offsets of the parts of a request line. Valid until the next line is read. */
export class RequestLine {
  /** Index into METHODS. */
  method = 0
  methodEnd = 0
  /** The minor version of HTTP/1: 0 or 1. */
  minor = 0
  /** Whether the line names this version, not a higher one. */
  isVersionExact = true
  /** From the method to the line's end. */
  start = 0
  end = 0
  /** The host of an absolute target; empty for the other forms. */
  authorityStart = 0
  authorityEnd = 0
  /** The path without the query. Empty in `OPTIONS *` and in an absolute target that ends with the host. */
  pathStart = 0
  pathEnd = 0
  /** The end of the target, query included. */
  targetEnd = 0

  get isAbsolute(): boolean {
    return this.authorityStart !== this.authorityEnd
  }

  /** Reads the line from `at` to `end`, the offset behind its line feed. */
  read(bytes: Buffer, at: number, end: number): Rejection | undefined {
    let i = at
    while (TOKEN[bytes[i]!] === 1) i++
    if (i === at || bytes[i] !== SP) return 'request_line'
    this.start = at
    this.methodEnd = i
    this.method = methodOf(bytes, at, i)
    const target = ++i
    let query = -1
    while (TARGET[bytes[i]!] === 1) {
      if (query === -1 && bytes[i] === QUESTION_MARK) query = i
      i++
    }
    if (i === target || bytes[i] !== SP) return 'request_line'
    this.targetEnd = i
    this.pathEnd = query === -1 ? i : query
    return this.#readVersion(bytes, i + 1, end) ?? this.#readForm(bytes, target)
  }

  #readVersion(bytes: Buffer, at: number, end: number): Rejection | undefined {
    for (let k = 0; k < VERSION.length; k++) if (bytes[at + k] !== VERSION[k]) return 'request_line'
    if (end !== at + 10 || bytes[at + 8] !== CR || bytes[at + 9] !== LF) return 'request_line'
    const minor = bytes[at + 7]! - 0x30
    if (bytes[at + 5] !== 0x31 || bytes[at + 6] !== 0x2e || minor < 0 || minor > 9) {
      return isDigit(bytes[at + 5]!) && bytes[at + 6] === 0x2e && isDigit(bytes[at + 7]!)
        ? 'version'
        : 'request_line'
    }
    // A higher minor version is processed as HTTP/1.1 (RFC 9110 section 2.5).
    this.minor = Math.min(minor, 1)
    this.isVersionExact = minor === this.minor
    this.end = end
    return undefined
  }

  #readForm(bytes: Buffer, target: number): Rejection | undefined {
    this.pathStart = this.authorityStart = this.authorityEnd = target
    // CONNECT first: its target has a form of its own.
    if (this.method === CONNECT) return 'method'
    if (bytes[target] === SLASH) return undefined
    if (this.method === OPTIONS && bytes[target] === 0x2a && this.targetEnd === target + 1) {
      this.pathStart = this.pathEnd = this.targetEnd
      return undefined
    }
    for (let k = 0; k < SCHEME.length; k++) {
      if ((bytes[target + k]! | 0x20) !== (SCHEME[k]! | 0x20)) return 'request_line'
    }
    this.authorityStart = target + SCHEME.length
    let i = this.authorityStart
    while (i < this.pathEnd && bytes[i] !== SLASH) i++
    if (i === this.authorityStart) return 'host'
    this.authorityEnd = this.pathStart = i
    return undefined
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
