/** Reads the head of a request: its first line, and its fields, from the peer's cache if they were seen before. */
import type { Limits } from '../config/limits.ts'
import { CR, END_OF_FIELDS, hasBareLf, latin1, LF, TOKEN } from '../http1/bytes.ts'
import type { FieldList } from '../http1/fields.ts'
import { hostOf } from '../http1/host.ts'
import { OPTIONS } from '../http1/methods.ts'
import type { Rejection } from '../http1/rejections.ts'
import type { RequestLine } from '../http1/request_line.ts'
import type { Peer } from './peers.ts'
import { type RequestFields, requestFields } from './request_fields.ts'

/** The request that is being read. There is one object, filled again by each request. */
export interface RequestHead {
  bytes: Buffer
  line: RequestLine
  fields: RequestFields
  /** The end of the head. */
  end: number
  limits: Limits
}

/** The request's method and target, for the log. */
export const requestLineOf = ({ bytes, line }: RequestHead): string =>
  latin1(bytes, line.start, line.targetEnd)

/** Fills `head` with the request that begins at `from`. @returns why it cannot. */
export function readRequest(
  head: RequestHead,
  list: FieldList,
  peer: Peer,
  bytes: Buffer,
  from: number,
): Rejection | 'incomplete' | undefined {
  const { limits, line } = head
  // Some clients end a body with an empty line, so one before a request is skipped (RFC 9112 section 2.2).
  const start = bytes[from] === CR && bytes[from + 1] === LF ? from + 2 : from
  const lineEnd = bytes.indexOf(LF, start) + 1
  if (lineEnd === 0) return readIncomplete(bytes, start, limits)
  if (lineEnd - start > limits.lineBytes) return 'line_length'
  const rejection = line.read(bytes, start, lineEnd)
  if (rejection !== undefined) return rejection

  const isEmpty = bytes[lineEnd] === CR && bytes[lineEnd + 1] === LF
  const blockEnd = isEmpty ? lineEnd : bytes.indexOf(END_OF_FIELDS, lineEnd) + 2
  if (blockEnd === 1) {
    if (bytes.length - lineEnd > limits.headersBytes) return 'fields_size'
    return hasBareLf(bytes, lineEnd) ? 'field' : 'incomplete'
  }
  if (blockEnd - lineEnd > limits.headersBytes) return 'fields_size'
  const known = line.isAbsolute ? undefined : peer.blockCache.find(bytes, lineEnd, blockEnd)
  const fields = known?.minor === line.minor ? known : readFields(head, list, peer, bytes, lineEnd, blockEnd)
  if (typeof fields === 'string') return fields
  head.bytes = bytes
  head.fields = fields
  head.end = blockEnd + 2
  return undefined
}

/** Rejects a line that does not begin like a method without waiting for its end. */
function readIncomplete(bytes: Buffer, from: number, limits: Limits): Rejection | 'incomplete' {
  if (bytes.length - from > limits.lineBytes) return 'line_length'
  const first = bytes[from]
  return first === undefined || TOKEN[first] === 1 || (first === CR && from + 1 === bytes.length)
    ? 'incomplete'
    : 'request_line'
}

function readFields(
  { line }: RequestHead,
  list: FieldList,
  peer: Peer,
  bytes: Buffer,
  from: number,
  to: number,
): RequestFields | Rejection {
  const result = list.read(bytes, from, to)
  if (result !== 'ok') return result === 'malformed' ? 'field' : 'fields_size'
  if (list.hasSpace) return 'field'
  const { minor, authorityStart, authorityEnd, isAbsolute } = line
  if (isAbsolute && hostOf(bytes, authorityStart, authorityEnd) === undefined) return 'host'
  const authority = isAbsolute ? latin1(bytes, authorityStart, authorityEnd) : undefined
  const isOptions = line.method === OPTIONS
  const fields = requestFields(bytes, from, to, list, { minor, authority, peer, isOptions })
  if (typeof fields !== 'string' && !isAbsolute && fields.maxForwards === -1) peer.blockCache.keep(fields)
  return fields
}
