/**
 * Finds where a request or response ends from its fields (RFC 9112 section 6). Framing that two parsers could read
 * differently is rejected.
 */
import { decimal, isText, latin1 } from './bytes.ts'
import { FIELD } from './field_names.ts'
import type { FieldList } from './fields.ts'

/** The declared length of the body, or {@link NO_LENGTH} or {@link CHUNKED}. */
export type Framing = number
export const NO_LENGTH = -1
export const CHUNKED = -2

/**
 * @param takesEqualLengths whether several equal `Content-Length` lines count as one
 * @returns the framing, or the rule that it breaks
 */
export function framingOf(
  bytes: Buffer,
  fields: FieldList,
  minor: number,
  takesEqualLengths = false,
): Framing | 'framing' | 'coding' {
  let length: Framing = NO_LENGTH
  let codings = 0
  let other: string | undefined
  for (let i = 0; i < fields.count; i++) {
    const name = fields.names[i]
    const from = fields.spans[i * 4 + 2]!
    const to = fields.spans[i * 4 + 3]!
    if (name === FIELD['content-length']) {
      const value = decimal(bytes, from, to)
      // In a request an equal second line is rejected, too: servers behind the gateway may not agree on it.
      const isRepeated = length !== NO_LENGTH
      if (value === -1 || (isRepeated && !(takesEqualLengths && value === length))) return 'framing'
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

/** The framing as a field line, in its canonical form. */
export const framingLine = (framing: Framing): string =>
  framing === CHUNKED ? 'Transfer-Encoding: chunked' : `Content-Length: ${framing}`
