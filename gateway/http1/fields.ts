/**
 * Reads header and trailer fields strictly (RFC 9112 section 5): the offsets of each name and value, not their meaning.
 * One list is filled again by each block, so reading copies and allocates nothing.
 */
import { CR, HTAB, latin1, LF, SP, TOKEN, VALUE } from './bytes.ts'
import { fieldOf } from './field_names.ts'

/** The offsets of the fields of a block. Valid until the next block is read. */
export class FieldList {
  count = 0
  /** Whether a name has space before its colon: a proxy removes it from a response and rejects a request. */
  hasSpace = false
  readonly names: Uint8Array
  /** For each field: start and end of its name, start and end of its value. */
  readonly spans: Int32Array

  constructor(readonly limit: number) {
    this.names = new Uint8Array(limit)
    this.spans = new Int32Array(limit * 4)
  }

  name(bytes: Buffer, i: number): string {
    return latin1(bytes, this.spans[i * 4]!, this.spans[i * 4 + 1]!)
  }

  value(bytes: Buffer, i: number): string {
    return latin1(bytes, this.spans[i * 4 + 2]!, this.spans[i * 4 + 3]!)
  }

  /** The values of all fields with this name, in order. */
  values(bytes: Buffer, name: number): string[] {
    const values: string[] = []
    for (let i = 0; i < this.count; i++) if (this.names[i] === name) values.push(this.value(bytes, i))
    return values
  }

  /** The items of all fields with this name, which is that of a list (RFC 9110 section 5.6.1). */
  items(bytes: Buffer, name: number): string[] {
    return this.values(bytes, name)
      .flatMap((value) => value.split(','))
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }

  /**
   * Reads whole lines from `at` to `end`.
   * @returns whether they follow the grammar; `'too many'` if there are more than `limit`.
   */
  read(bytes: Buffer, at: number, end: number): 'ok' | 'malformed' | 'too many' {
    const { names, spans, limit } = this
    this.hasSpace = false
    let count = 0
    let i = at
    while (i < end) {
      if (count === limit) return 'too many'
      const nameStart = i
      while (TOKEN[bytes[i]!] === 1) i++
      const nameEnd = i
      while (bytes[i] === SP || bytes[i] === HTAB) i++
      if (i !== nameEnd) this.hasSpace = true
      if (nameEnd === nameStart || bytes[i] !== 0x3a) return 'malformed'
      i++
      while (bytes[i] === SP || bytes[i] === HTAB) i++
      const valueStart = i
      while (VALUE[bytes[i]!] === 1) i++
      if (bytes[i] !== CR || bytes[i + 1] !== LF) return 'malformed'
      let valueEnd = i
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--
      i += 2
      names[count] = fieldOf(bytes, nameStart, nameEnd)
      const span = count * 4
      spans[span] = nameStart
      spans[span + 1] = nameEnd
      spans[span + 2] = valueStart
      spans[span + 3] = valueEnd
      count++
    }
    this.count = count
    return 'ok'
  }
}
