/** Writes the fields that are new for each request: `X-Request-Id` and `traceparent`. The request id is the trace id. */
import { latin1 } from '../http1/bytes.ts'

const REQUEST_ID = Buffer.from('X-Request-Id: ')
const TRACEPARENT = Buffer.from('traceparent: 00-')
const LINE_END = Buffer.from('\r\n')
/** The flag asks tracing systems to record this trace. */
const SAMPLED = Buffer.from('-01\r\n')
const DASH = 0x2d

const TRACE_BYTES = 16
const SPAN_BYTES = 8
export const MAX_ID_FIELDS_BYTES = 128

/** Random bytes for many ids at once: a call for each id is slow. */
const pool = new Uint8Array((TRACE_BYTES + SPAN_BYTES) * 256)
let used = pool.length

const digits = Buffer.from('0123456789abcdef')

function writeHex(into: Buffer, at: number, from: number, count: number): number {
  let to = at
  for (let i = from; i < from + count; i++) {
    const byte = pool[i]!
    into[to++] = digits[byte >> 4]!
    into[to++] = digits[byte & 15]!
  }
  return to
}

function write(into: Buffer, at: number, text: Buffer): number {
  for (let i = 0; i < text.length; i++) into[at + i] = text[i]!
  return at + text.length
}

/**
 * Writes the lines that the request does not have.
 * @returns the end of the lines
 */
export function writeIds(into: Buffer, at: number, hasRequestId: boolean, hasTraceparent: boolean): number {
  if (used === pool.length) {
    crypto.getRandomValues(pool)
    used = 0
  }
  const from = used
  used += TRACE_BYTES + SPAN_BYTES
  let end = at
  if (!hasRequestId) {
    end = write(into, end, REQUEST_ID)
    end = writeHex(into, end, from, TRACE_BYTES)
    end = write(into, end, LINE_END)
  }
  if (!hasTraceparent) {
    end = write(into, end, TRACEPARENT)
    end = writeHex(into, end, from, TRACE_BYTES)
    into[end++] = DASH
    end = writeHex(into, end, from + TRACE_BYTES, SPAN_BYTES)
    end = write(into, end, SAMPLED)
  }
  return end
}

/** The trace id in lines that `writeIds` wrote at `at`, with or without `X-Request-Id` before it. */
export function writtenTraceId(bytes: Buffer, at: number, hasRequestId: boolean): string {
  const line = hasRequestId ? at : at + REQUEST_ID.length + TRACE_BYTES * 2 + LINE_END.length
  const from = line + TRACEPARENT.length
  return latin1(bytes, from, from + TRACE_BYTES * 2)
}

/** The request id in lines that `writeIds` wrote at `at`, beginning with `X-Request-Id`. */
export const writtenRequestId = (bytes: Buffer, at: number): string =>
  latin1(bytes, at + REQUEST_ID.length, at + REQUEST_ID.length + TRACE_BYTES * 2)
