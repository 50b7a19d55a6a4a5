/** Reads the head of a request: where it ends, its line, and its fields, from the memo where they came before. */
import { CR, END_OF_FIELDS, hasBareLf, latin1, LF, TOKEN } from './bytes.ts'
import type { FieldList } from './fields.ts'
import { hostOf } from './host.ts'
import type { Limits } from './limits.ts'
import { OPTIONS } from './methods.ts'
import type { Incoming } from './passes.ts'
import type { Peer } from './peers.ts'
import type { Cause } from './refusals.ts'
import { type RequestFields, requestFields } from './request_fields.ts'

/** The request's method and target, for the log. */
export const askedFor = ({ bytes, line }: Incoming): string => latin1(bytes, line.start, line.targetEnd)

/** Fills `into` with the request that begins at `from`. @returns why it could not be. */
export function readRequest(
  into: Incoming,
  list: FieldList,
  peer: Peer,
  bytes: Buffer,
  from: number,
): Cause | 'incomplete' | undefined {
  const { limits, line } = into
  // One empty line in front is ignored (RFC 9112 section 2.2): some clients end a body with it.
  const start = bytes[from] === CR && bytes[from + 1] === LF ? from + 2 : from
  const lineEnd = bytes.indexOf(LF, start) + 1
  if (lineEnd === 0) return readBeginning(bytes, start, limits)
  if (lineEnd - start > limits.lineBytes) return 'line_length'
  const wrong = line.read(bytes, start, lineEnd)
  if (wrong !== undefined) return wrong

  const isEmpty = bytes[lineEnd] === CR && bytes[lineEnd + 1] === LF
  const blockEnd = isEmpty ? lineEnd : bytes.indexOf(END_OF_FIELDS, lineEnd) + 2
  if (blockEnd === 1) {
    if (bytes.length - lineEnd > limits.headersBytes) return 'fields_size'
    return hasBareLf(bytes, lineEnd) ? 'field' : 'incomplete'
  }
  if (blockEnd - lineEnd > limits.headersBytes) return 'fields_size'
  const known = line.isAbsolute ? undefined : peer.memo.find(bytes, lineEnd, blockEnd)
  const fields = known?.minor === line.minor ? known : readFields(into, list, peer, bytes, lineEnd, blockEnd)
  if (typeof fields === 'string') return fields
  into.bytes = bytes
  into.fields = fields
  into.end = blockEnd + 2
  into.route = undefined
  return undefined
}

/** What begins with no method will never be a request: it need not be waited for. */
function readBeginning(bytes: Buffer, from: number, limits: Limits): Cause | 'incomplete' {
  if (bytes.length - from > limits.lineBytes) return 'line_length'
  const first = bytes[from]
  return first === undefined || TOKEN[first] === 1 || (first === CR && from + 1 === bytes.length)
    ? 'incomplete'
    : 'request_line'
}

function readFields(
  { line }: Incoming,
  list: FieldList,
  peer: Peer,
  bytes: Buffer,
  from: number,
  to: number,
): RequestFields | Cause {
  const verdict = list.read(bytes, from, to)
  if (verdict !== 'ok') return verdict === 'malformed' ? 'field' : 'fields_size'
  if (list.hasSpace) return 'field'
  const { minor, authorityStart, authorityEnd, isAbsolute } = line
  if (isAbsolute && hostOf(bytes, authorityStart, authorityEnd) === undefined) return 'host'
  const authority = isAbsolute ? latin1(bytes, authorityStart, authorityEnd) : undefined
  const isOptions = line.method === OPTIONS
  const fields = requestFields(bytes, from, to, list, { minor, authority, peer, isOptions })
  if (typeof fields !== 'string' && !isAbsolute && fields.maxForwards === -1) peer.memo.keep(fields)
  return fields
}
