/**
 * Where a message ends, as its fields say (RFC 9112 section 6), for requests and answers alike. Whatever two readers
 * could take for two different ends is no framing at all.
 */
import { decimal, isText, latin1 } from './bytes.ts'
import { FIELD } from './field_names.ts'
import type { FieldList } from './fields.ts'

/** The body's length where it is declared, or one of {@link NO_LENGTH} and {@link CHUNKED}. */
export type Framing = number
export const NO_LENGTH = -1
export const CHUNKED = -2

/** @returns the framing, or what is wrong with it. */
export function framingOf(bytes: Buffer, fields: FieldList, minor: number): Framing | 'framing' | 'coding' {
  let length: Framing = NO_LENGTH
  let codings = 0
  let other: string | undefined
  for (let i = 0; i < fields.count; i++) {
    const name = fields.names[i]
    const from = fields.spans[i * 4 + 2]!
    const to = fields.spans[i * 4 + 3]!
    if (name === FIELD['content-length']) {
      const value = decimal(bytes, from, to)
      // A second line is refused even when it says the same: a gateway that takes it relies on everyone behind it.
      if (value === -1 || length !== NO_LENGTH) return 'framing'
      length = value
    } else if (name === FIELD['transfer-encoding']) {
      codings++
      if (!isText(bytes, from, to, 'chunked')) other = latin1(bytes, from, to).toLowerCase()
    }
  }
  if (codings === 0) return length
  if (codings > 1 || length !== NO_LENGTH || minor === 0) return 'framing'
  if (other === undefined) return CHUNKED
  const names = other.split(',').map((name) => name.trim())
  return names.pop() === 'chunked' && names.length > 0 && !names.includes('chunked') ? 'coding' : 'framing'
}

/** The framing as a field, in the one form that everybody reads alike. */
export const framingLine = (framing: Framing): string =>
  framing === CHUNKED ? 'Transfer-Encoding: chunked' : `Content-Length: ${framing}`
