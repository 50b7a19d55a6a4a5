/**
 * Reads the head of an upstream's response (RFC 9112 section 4) as strictly as that of a request. A response that needs
 * no change is forwarded as the bytes received.
 */
import { CR, latin1, LF, SP, VALUE } from './bytes.ts'
import type { ChunkOptions } from './chunks.ts'
import { type ConnectionOptions, connectionOptions } from './connection_options.ts'
import { FIELD } from './field_names.ts'
import type { FieldList } from './fields.ts'
import { type Framing, framingLine, framingOf } from './framing.ts'

export interface ResponseHead {
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
  /** The new protocol of a 101. */
  upgrade: string | undefined
}

const STATUS_LINE = Buffer.from('HTTP/1.')
const FIRST_LINE_BYTES = 'HTTP/1.1 200 '.length

/** Reads the bytes of a head. @returns `undefined` if they are outside the grammar. */
export function readResponseHead(
  bytes: Buffer,
  from: number,
  to: number,
  list: FieldList,
): ResponseHead | undefined {
  const lineEnd = bytes.indexOf(LF, from) + 1
  const status = readStatusLine(bytes, from, lineEnd)
  if (status === -1 || list.read(bytes, lineEnd, to - 2) !== 'ok') return undefined
  const minor = bytes[from + STATUS_LINE.length]! - 0x30
  const hasNoBody = status < 200 || status === 204
  const framing = framingOf(bytes, list, minor)
  const options = connectionOptions(bytes, list)
  if (typeof framing === 'string' || options === undefined) return undefined
  const changes = status === 101
  const upgrade = changes ? upgradeOf(bytes, list, options) : undefined
  if (changes && upgrade === undefined) return undefined

  let isVerbatim = minor === 1 && !list.hasSpace && !changes
  let hasDate = false
  const lines = [`HTTP/1.1 ${latin1(bytes, from + 'HTTP/1.1 '.length, lineEnd - 2)}`]
  for (let i = 0; i < list.count; i++) {
    const name = list.names[i]!
    const frames = name === FIELD['content-length'] || name === FIELD['transfer-encoding']
    if (options.owns(bytes, list, i) || (frames && (hasNoBody || !isCanonical(bytes, list, i)))) {
      isVerbatim = false
      if (frames && !hasNoBody) lines.push(framingLine(framing))
    } else {
      if (name === FIELD.date) hasDate = true
      lines.push(`${list.name(bytes, i)}: ${list.value(bytes, i)}`)
    }
  }
  if (upgrade !== undefined) lines.push('Connection: Upgrade', `Upgrade: ${upgrade}`)
  lines.push('')
  return {
    block: Buffer.from(bytes.subarray(from, to)),
    status,
    framing,
    chunks: { keepsChunks: true, trailersOf: options },
    isPersistent: minor === 1 && !options.closes,
    isVerbatim,
    forward: Buffer.from(lines.join('\r\n'), 'latin1'),
    hasDate,
    upgrade,
  }
}

/** @returns the status; -1 if the line is not a status line. */
function readStatusLine(bytes: Buffer, from: number, lineEnd: number): number {
  for (let i = 0; i < STATUS_LINE.length; i++) if (bytes[from + i] !== STATUS_LINE[i]) return -1
  const at = from + STATUS_LINE.length
  if (lineEnd < from + FIRST_LINE_BYTES + 2 || bytes[lineEnd - 2] !== CR) return -1
  if ((bytes[at] !== 0x30 && bytes[at] !== 0x31) || bytes[at + 1] !== SP || bytes[at + 5] !== SP) return -1
  let status = 0
  for (let i = at + 2; i < at + 5; i++) {
    const digit = bytes[i]! - 0x30
    if (digit < 0 || digit > 9) return -1
    status = status * 10 + digit
  }
  for (let i = at + 6; i < lineEnd - 2; i++) if (VALUE[bytes[i]!] !== 1) return -1
  return status >= 100 && status < 600 ? status : -1
}

/** A length with leading zeros is rewritten: another parser could read it as octal. */
function isCanonical(bytes: Buffer, list: FieldList, i: number): boolean {
  if (list.names[i] !== FIELD['content-length']) return true
  const value = list.value(bytes, i)
  return value === '0' || !value.startsWith('0')
}

function upgradeOf(bytes: Buffer, list: FieldList, options: ConnectionOptions): string | undefined {
  for (let i = 0; i < list.count; i++) {
    if (list.names[i] === FIELD.upgrade && options.upgrades) return list.value(bytes, i)
  }
  return undefined
}
