/** Writes the parts of messages that the gateway composes: heads of requests and responses, and chunks. */
import type { Body } from '../http1/body.ts'
import { dateLine } from '../http1/date.ts'
import type { ResponseHead } from '../http1/response_head.ts'
import { MAX_ID_FIELDS_BYTES, writeIds, writtenRequestId, writtenTraceId } from '../forward/trace_ids.ts'
import { coalesce, commit, reserve } from '../io/coalesce.ts'
import type { Sink } from '../io/write_queue.ts'
import type { HeaderRules, HeaderValues } from '../routing/header_rules.ts'
import type { Incoming } from '../routing/request_filters.ts'

export const EMPTY_LINE = Buffer.from('\r\n')
export const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const VERSION_END = Buffer.from(' HTTP/1.1\r\n')
const SLASH = Buffer.from('/')

/** The `Connection` line for the client: HTTP/1.1 stays open and HTTP/1.0 closes by default. */
export function connectionLine(closes: boolean, minor: number): string {
  if (closes) return 'Connection: close\r\n'
  return minor === 0 ? 'Connection: keep-alive\r\n' : ''
}

/** The request line for the upstream: in origin form, as HTTP/1.1, with the path as the route changes it. */
function writeRequestLine(out: Sink, { bytes, line, route }: Incoming): void {
  const { cutBytes, replacement } = route!.forward!
  const isUnchanged = cutBytes === 0 && replacement.length === 0
  const isSameVersion = line.minor === 1 && line.isVersionExact
  if (isUnchanged && isSameVersion && !line.isAbsolute) return coalesce(out, bytes, line.start, line.end)
  coalesce(out, bytes, line.start, line.methodEnd + 1)
  coalesce(out, replacement, 0, replacement.length)
  const from = line.pathStart + cutBytes
  // The rest of the path begins with a slash unless nothing is left.
  if (from >= line.pathEnd && replacement.length === 0) coalesce(out, SLASH, 0, 1)
  coalesce(out, bytes, from, line.targetEnd)
  coalesce(out, VERSION_END, 0, VERSION_END.length)
}

/** `X-Forwarded-Prefix`: that of a trusted proxy, and behind it the one that the route strips. */
function writePrefix(out: Sink, { fields: { prefix }, route }: Incoming): void {
  const { strippedPrefix } = route!.forward!
  if (prefix === '' && strippedPrefix === '') return
  const outer = strippedPrefix === '' ? prefix : prefix.replace(/\/+$/, '')
  const line = Buffer.from(`X-Forwarded-Prefix: ${outer}${strippedPrefix}\r\n`, 'latin1')
  coalesce(out, line, 0, line.length)
}

/** The record of a request, which gets the ids that the upstream gets. */
interface IdRecord {
  readonly isLogged: boolean
  requestId: string
  traceId: string
}

/** The head for the upstream. @param hostLine for a request without a host */
export function writeRequestHead(out: Sink, incoming: Incoming, hostLine: Buffer, record: IdRecord): void {
  const { fields, route } = incoming
  const { forward, host, client, requestId, traceId, hasTraceparent } = fields
  const rules = route!.forward!.requestHeaders
  writeRequestLine(out, incoming)
  if (host === '' && rules?.replaces('host') !== true) coalesce(out, hostLine, 0, hostLine.length)
  const kept = rules?.keep(forward) ?? forward
  coalesce(out, kept, 0, kept.length)
  if (rules?.replaces('x-forwarded-prefix') !== true) writePrefix(out, incoming)
  const { buffer, at } = reserve(out, MAX_ID_FIELDS_BYTES)
  commit(writeIds(buffer, at, requestId !== undefined, hasTraceparent))
  if (record.isLogged || rules !== undefined || route!.responseHeaders !== undefined)
    record.requestId = requestId ?? writtenRequestId(buffer, at)
  if (record.isLogged) record.traceId = traceId ?? writtenTraceId(buffer, at, requestId !== undefined)
  if (rules !== undefined) {
    const added = rules.added({ host, client, request_id: record.requestId })
    coalesce(out, added, 0, added.length)
  }
  coalesce(out, EMPTY_LINE, 0, EMPTY_LINE.length)
}

/** The bytes that `body` has just read, as it forwards them. */
export function writePieces(out: Sink, bytes: Buffer, body: Body): void {
  const { pieces, tail } = body
  for (let i = 0; i < pieces.length; i += 2) coalesce(out, bytes, pieces[i]!, pieces[i + 1]!)
  if (tail !== undefined) coalesce(out, tail, 0, tail.length)
}

/** A piece of a response without framing, as a chunk. */
export function writeChunk(out: Sink, bytes: Buffer, [from, to]: number[]): void {
  if (from === undefined || to === undefined) return
  const size = Buffer.from(`${(to - from).toString(16)}\r\n`)
  coalesce(out, size, 0, size.length)
  coalesce(out, bytes, from, to)
  coalesce(out, EMPTY_LINE, 0, EMPTY_LINE.length)
}

/** How a response is sent to the client. */
interface Delivery {
  closes: boolean
  minor: number
  /** Whether a response without framing is sent in chunks. */
  rechunks: boolean
  /** Changes of the fields by the route. */
  rules?: HeaderRules
  values?: HeaderValues
}

/** The head of a response that cannot be forwarded as the bytes received. */
export function writeResponseHead(out: Sink, head: ResponseHead, delivery: Delivery): void {
  const { closes, minor, rechunks, rules, values } = delivery
  const framed = minor === 0 ? withoutChunked(head.forward) : head.forward
  const forward = rules?.keep(framed) ?? framed
  const lines = [
    head.hasDate ? '' : dateLine(),
    rechunks ? 'Transfer-Encoding: chunked\r\n' : '',
    head.status === 101 ? '' : connectionLine(closes, minor),
  ]
  const end = Buffer.from(`${lines.join('')}\r\n`)
  coalesce(out, forward, 0, forward.length)
  if (rules !== undefined && values !== undefined) {
    const added = rules.added(values)
    coalesce(out, added, 0, added.length)
  }
  coalesce(out, end, 0, end.length)
}

/** HTTP/1.0 has no chunked coding. */
const withoutChunked = (head: Buffer): Buffer =>
  Buffer.from(head.toString('latin1').replace(/\r\ntransfer-encoding:[^\r]*/i, ''), 'latin1')
