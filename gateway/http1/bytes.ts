/**
 * Classes of bytes in HTTP/1.1, and functions that compare bytes without making strings. The grammar of whole messages
 * is in fields.ts and request_line.ts.
 */

export const CR = 13
export const LF = 10
export const SP = 32
export const HTAB = 9

/** A table that holds 1 for each of the given characters and ranges. */
function table(chars: string, ...ranges: (readonly [from: number, to: number])[]): Uint8Array {
  const bytes = new Uint8Array(256)
  for (const char of chars) bytes[char.charCodeAt(0)] = 1
  for (const [from, to] of ranges) bytes.fill(1, from, to + 1)
  return bytes
}

const ALPHANUMERIC = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x61, 0x7a],
] as const

/** RFC 9110 section 5.6.2. */
export const TOKEN = table("!#$%&'*+-.^_`|~", ...ALPHANUMERIC)
/** Field values (RFC 9110 section 5.5), with spaces and tabs. */
export const VALUE = table('\t', [0x20, 0x7e], [0x80, 0xff])
/** Bytes of a request target of any form: visible ASCII without `"`, `#`, `<` and `>` (RFC 3986 section 2). */
export const TARGET = table('!=', [0x24, 0x3b], [0x3f, 0x7e])
/** RFC 3986 section 2.3. */
export const UNRESERVED = table('-._~', ...ALPHANUMERIC)
/** RFC 3986 section 3.2.2, without the comma: joining two `Host` lines would make one. */
export const REG_NAME = table("-._~!$&'()*+;=", ...ALPHANUMERIC)

/** Maps capital letters to small ones, and every other byte to itself. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte,
)

/** The value of a hexadecimal digit; 255 for every other byte. */
export const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(LOWER[byte]!))
  return digit === -1 ? 255 : digit
})

export const latin1 = (bytes: Buffer, from: number, to: number): string => bytes.toString('latin1', from, to)

/** Whether the bytes equal this text of small letters, in any case. */
export function isText(bytes: Buffer, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) if (LOWER[bytes[from + i]!] !== text.charCodeAt(i)) return false
  return true
}

/** Whether the bytes equal these. */
export function isBytes(bytes: Buffer, from: number, to: number, expected: Buffer): boolean {
  if (to - from !== expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[from + i] !== expected[i]) return false
  return true
}

/** Reads decimal digits; -1 if there are none, too many for an exact number, or other bytes. */
export function decimal(bytes: Buffer, from: number, to: number): number {
  if (from === to || to - from > 15) return -1
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** The end of a field block: the end of its last line, then an empty line. */
export const END_OF_FIELDS = Buffer.from('\r\n\r\n')

/** Whether a line ends with LF alone. Such a block is rejected now: it could wait for its end for ever. */
export function hasBareLf(bytes: Buffer, from: number): boolean {
  for (let i = bytes.indexOf(LF, from); i !== -1; i = bytes.indexOf(LF, i + 1)) {
    if (bytes[i - 1] !== CR) return true
  }
  return false
}
