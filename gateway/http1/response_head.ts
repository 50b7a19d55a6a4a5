/**
 * Reads the head of an upstream's response (RFC 9112 section 4) as strictly as that of a request. A response that needs
 * no change is forwarded as the bytes received.
 */
import type { CachedBlock, VaryingValue } from './block_cache.ts'
import { CR, decimal, latin1, LF, SP, VALUE } from './bytes.ts'
import type { ChunkOptions } from './chunks.ts'
import { connectionOptions } from './connection_options.ts'
import { FIELD } from './field_names.ts'
import type { FieldList } from './fields.ts'
import { type Framing, framingLine, framingOf } from './framing.ts'
import { tunnelProtocols } from './upgrade.ts'

/** The rules that a response can break; the label `reason` of `gateway_upstream_rejections_total`. */
export const RESPONSE_RULES = [
  'status_line',
  'field',
  'fields_size',
  'framing',
  'coding',
  'upgrade',
  'interim',
  'chunk',
] as const
export type ResponseRule = (typeof RESPONSE_RULES)[number]

export interface ResponseHead extends CachedBlock {
  /** A copy of the bytes it was read from, with status line and empty line. */
  block: Buffer
  status: number
  /** Framing by the fields. Status and method may still mean that there is no body. */
  framing: Framing
  /** How a chunked body is forwarded to a client that accepts trailers. */
  chunks: ChunkOptions
  isPersistent: boolean
  /** Whether `block` can be forwarded unchanged, as far as the response itself is concerned. */
  isVerbatim: boolean
  /** The lines for the client, without the empty line. */
  forward: Buffer
  hasDate: boolean
  /** The new protocols of a 101, and those that a 426 asks for. */
  upgrade: string[] | undefined
}

const STATUS_LINE = Buffer.from('HTTP/1.')
const SHORTEST_LINE_BYTES = 'HTTP/1.1 200\r\n'.length
/** Its `Upgrade` is meant for the client (RFC 9110 section 15.5.22). */
const UPGRADE_REQUIRED = 426
const REASON_AT = 'HTTP/1.1 200 '.length

/** Reads the bytes of a head. @returns the rule that it breaks if it is outside the grammar */
export function readResponseHead(
  bytes: Buffer,
  from: number,
  to: number,
  list: FieldList,
): ResponseHead | ResponseRule {
  const lineEnd = bytes.indexOf(LF, from) + 1
  const status = readStatusLine(bytes, from, lineEnd)
  if (status === -1) return 'status_line'
  const fields = list.read(bytes, lineEnd, to - 2)
  if (fields !== 'ok') return fields === 'malformed' ? 'field' : 'fields_size'
  const exactMinor = bytes[from + STATUS_LINE.length]! - 0x30
  // A higher minor version is processed as HTTP/1.1 (RFC 9110 section 2.5).
  const minor = Math.min(exactMinor, 1)
  const hasNoBody = status < 200 || status === 204
  const framing = framingOf(bytes, list, minor, true)
  const options = connectionOptions(bytes, list)
  if (typeof framing === 'string') return framing
  const changes = status === 101
  // `Connection` should name it, but servers in use leave that out.
  const namesProtocols = changes || status === UPGRADE_REQUIRED
  const upgrade = namesProtocols ? tunnelProtocols(list.items(bytes, FIELD.upgrade)) : undefined
  if (changes && upgrade === undefined) return 'upgrade'

  const reasonAt = from + REASON_AT
  const hasReason = reasonAt <= lineEnd - 2
  let isVerbatim = exactMinor === 1 && hasReason && !list.hasSpace && !changes
  let hasDate = false
  let isFramed = false
  let requestId: { line: string; from: number; to: number } | undefined
  const lines = [`HTTP/1.1 ${status} ${hasReason ? latin1(bytes, reasonAt, lineEnd - 2) : ''}`]
  for (let i = 0; i < list.count; i++) {
    const name = list.names[i]!
    const frames = name === FIELD['content-length'] || name === FIELD['transfer-encoding']
    const isDropped = frames && (hasNoBody || isFramed || !isCanonical(bytes, list, i))
    if (options.owns(bytes, list, i) || isDropped) {
      isVerbatim = false
      if (frames && !hasNoBody && !isFramed) lines.push(framingLine(framing))
    } else {
      if (name === FIELD.date) hasDate = true
      const line = `${list.name(bytes, i)}: ${list.value(bytes, i)}`
      if (name === FIELD['x-request-id'])
        requestId ??= { line, from: list.spans[i * 4 + 2]! - from, to: list.spans[i * 4 + 3]! - from }
      lines.push(line)
    }
    if (frames) isFramed = true
  }
  if (upgrade !== undefined) lines.push('Connection: Upgrade', `Upgrade: ${upgrade.join(', ')}`)
  lines.push('')
  const block = Buffer.from(bytes.subarray(from, to))
  const forward = Buffer.from(lines.join('\r\n'), 'latin1')
  return {
    block,
    varying: requestId && varyingId(requestId, block, forward),
    status,
    framing,
    chunks: { keepsChunks: true, takesPadding: true, trailersOf: options },
    // Some servers add parameters, as in `keep-alive; timeout=5`: such a connection is not used again.
    isPersistent: minor === 1 && !options.closes && options.isWellFormed,
    isVerbatim,
    forward,
    hasDate,
    upgrade,
  }
}

/** Each response of our services has an id of its own; its other bytes repeat. The id stands in both buffers. */
function varyingId(
  { line, from, to }: { line: string; from: number; to: number },
  block: Buffer,
  forward: Buffer,
): VaryingValue {
  const end = forward.indexOf(`\r\n${line}\r\n`, 0, 'latin1') + 2 + line.length
  return {
    from,
    to,
    adopt(bytes, at) {
      bytes.copy(block, from, at + from, at + to)
      bytes.copy(forward, end - (to - from), at + from, at + to)
    },
  }
}

/** @returns the status; -1 if the line is not a status line. */
function readStatusLine(bytes: Buffer, from: number, lineEnd: number): number {
  for (let i = 0; i < STATUS_LINE.length; i++) if (bytes[from + i] !== STATUS_LINE[i]) return -1
  const at = from + STATUS_LINE.length
  if (lineEnd < from + SHORTEST_LINE_BYTES || bytes[lineEnd - 2] !== CR) return -1
  if (decimal(bytes, at, at + 1) === -1 || bytes[at + 1] !== SP) return -1
  // Some servers leave out the reason with the space before it.
  if (bytes[at + 5] !== SP && at + 5 !== lineEnd - 2) return -1
  for (let i = at + 6; i < lineEnd - 2; i++) if (VALUE[bytes[i]!] !== 1) return -1
  const status = decimal(bytes, at + 2, at + 5)
  return status >= 100 ? status : -1
}

/** A length with leading zeros is rewritten: another parser could read it as octal. */
function isCanonical(bytes: Buffer, list: FieldList, i: number): boolean {
  if (list.names[i] !== FIELD['content-length']) return true
  const value = list.value(bytes, i)
  return value === '0' || !value.startsWith('0')
}
