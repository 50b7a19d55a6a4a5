import { describe, expect, test } from 'bun:test'
import {
  decimal,
  HEX,
  hasBareLf,
  isBytes,
  isText,
  LOWER,
  REG_NAME,
  TARGET,
  TOKEN,
  UNRESERVED,
  VALUE,
} from './bytes.ts'
import { FIELD, fieldOf, OTHER } from './field_names.ts'
import { FieldList } from './fields.ts'
import { CHUNKED, framingLine, framingOf, NO_LENGTH } from './framing.ts'

const list = new FieldList(4)

/** Reads fields that stand behind other bytes. */
function read(text: string) {
  const bytes = Buffer.from(`before${text}behind`, 'latin1')
  const result = list.read(bytes, 'before'.length, bytes.length - 'behind'.length)
  if (result !== 'ok') return result
  return Array.from({ length: list.count }, (_, i) => [list.name(bytes, i), list.value(bytes, i)])
}

describe('fields are read', () => {
  test.each([
    ['', []],
    ['A: b\r\n', [['A', 'b']]],
    [
      'A:b\r\nC:\r\nD: \t \r\n',
      [
        ['A', 'b'],
        ['C', ''],
        ['D', ''],
      ],
    ],
    ['A: \t b c\t\r\n', [['A', 'b c']]],
    ["!#$%&'*+-.^_`|~09azAZ: x\r\n", [["!#$%&'*+-.^_`|~09azAZ", 'x']]],
    ['A: \x80\xff~!\r\n', [['A', '\x80\xff~!']]],
    ['A: b: c\r\n', [['A', 'b: c']]],
    [
      'A: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\n',
      [
        ['A', '1'],
        ['A', '2'],
        ['A', '3'],
        ['A', '4'],
      ],
    ],
  ])('%j', (text, fields) => {
    expect(read(text)).toEqual(fields)
    expect(list.hasSpace).toBe(false)
  })

  test.each(['A : b\r\n', 'A\t: b\r\nC: d\r\n'])('with space before a colon, which is told: %j', (text) => {
    expect(read(text)![0]).toEqual(['A', 'b'])
    expect(list.hasSpace).toBe(true)
    read('A: b\r\n')
    expect(list.hasSpace).toBe(false)
  })

  test.each([
    ['malformed', 'A\r\n'],
    ['malformed', ': b\r\n'],
    ['malformed', ' A: b\r\n'],
    ['malformed', 'A B: c\r\n'],
    ['malformed', 'A(: b\r\n'],
    ['malformed', 'A\x80: b\r\n'],
    ['malformed', 'A: b\n'],
    ['malformed', 'A: b\rC: d\r\n'],
    ['malformed', 'A: b\r\r\n'],
    ['malformed', 'A: \0\r\n'],
    ['malformed', 'A: \x1f\r\n'],
    ['malformed', 'A: \x7f\r\n'],
    ['malformed', 'A: b\r\n c\r\n'],
    ['malformed', '\r\n'],
    ['too many', 'A: b\r\n'.repeat(5)],
    ['too many', `${'A: b\r\n'.repeat(4)}x`],
  ])('or are %s: %j', (result, text) => expect(read(text)).toBe(result as never))

  test('by name, in order, and as items of a list', () => {
    const bytes = Buffer.from('Via: a, b,\r\nA: c\r\nvia: ,\r\nVIA:  d \r\n')
    list.read(bytes, 0, bytes.length)
    expect(list.values(bytes, FIELD.via)).toEqual(['a, b,', ',', 'd'])
    expect(list.items(bytes, FIELD.via)).toEqual(['a', 'b', 'd'])
    expect(list.values(bytes, FIELD.te)).toEqual([])
  })
})

test('a known name has its number in any case, and no other name has it', () => {
  const numberOf = (name: string) => fieldOf(Buffer.from(`x${name}x`), 1, name.length + 1)
  for (const [name, id] of Object.entries(FIELD)) {
    expect([name, name.toUpperCase()].map(numberOf)).toEqual([id, id])
    const others = [name.slice(0, -1), `${name}s`, `${name.slice(0, -1)}!`, `!${name.slice(1)}`]
    expect(others.map(numberOf).filter((other) => other === id)).toEqual([])
  }
  expect(new Set(Object.values(FIELD)).size).toBe(Object.keys(FIELD).length)
  expect(numberOf('x')).toBe(OTHER)
})

describe('framing', () => {
  const of = (text: string, minor = 1, takesEqual = false) => {
    const bytes = Buffer.from(text)
    list.read(bytes, 0, bytes.length)
    return framingOf(bytes, list, minor, takesEqual)
  }
  const [length, chunked] = ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n']

  test.each([
    ['', NO_LENGTH],
    ['Content-Length: 0\r\n', 0],
    ['Content-Length: 007\r\n', 7],
    ['Content-Length: 999999999999999\r\n', 999_999_999_999_999],
    ['Content-Length: 1000000000000000\r\n', 'framing'],
    ['Content-Length: 5 \r\n', 5],
    ['Content-Length: \t \r\n', 'framing'],
    ['Content-Length: -0\r\n', 'framing'],
    ['Content-Length: 5,5\r\n', 'framing'],
    ['Content-Length: 0x5\r\n', 'framing'],
    ['Content-Length: 5/\r\n', 'framing'],
    ['Content-Length: 5:\r\n', 'framing'],
    ['transfer-encoding: CHUNKED\r\n', CHUNKED],
    [length + length, 'framing'],
    [`Content-Length: 0\r\n${length}`, 'framing'],
    [length + chunked, 'framing'],
    [chunked + length, 'framing'],
    [chunked + chunked, 'framing'],
    ['Transfer-Encoding:\r\n', 'framing'],
    ['Transfer-Encoding: gzip\r\n', 'framing'],
    ['Transfer-Encoding: chunked, gzip\r\n', 'framing'],
    ['Transfer-Encoding: chunked, chunked\r\n', 'framing'],
    ['Transfer-Encoding: , chunked\r\n', 'coding'],
    ['Transfer-Encoding: gzip, Chunked\r\n', 'coding'],
    ['Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', 'framing'],
    ['Transfer-Encoding: chunkedx\r\n', 'framing'],
  ])('of %j is %p', (text, framing) => expect(of(text)).toBe(framing as never))

  test('of HTTP/1.0 knows no chunks, and equal lengths may be one', () => {
    expect([of(chunked, 0), of(length, 0), of('', 0)]).toEqual(['framing', 5, NO_LENGTH])
    expect(of(length + length, 1, true)).toBe(5)
    expect(of(`Content-Length: 05\r\n${length}`, 1, true)).toBe(5)
    expect(of(`Content-Length: 0\r\n${length}`, 1, true)).toBe('framing')
    expect(of(length + length + chunked, 1, true)).toBe('framing')
  })

  test('is written in one form', () => {
    expect([framingLine(CHUNKED), framingLine(0), framingLine(7)]).toEqual([
      'Transfer-Encoding: chunked',
      'Content-Length: 0',
      'Content-Length: 7',
    ])
  })
})

describe('bytes', () => {
  /** The characters that a table has, in ASCII, and how many beyond. */
  const has = (table: Uint8Array) => {
    const all = [...table.keys()].filter((byte) => table[byte] === 1)
    return [
      String.fromCharCode(...all.filter((byte) => byte < 0x80)),
      all.filter((byte) => byte > 0x7f).length,
    ]
  }
  const DIGITS = '0123456789'
  const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
  const SMALL = CAPITALS.toLowerCase()
  const PRINTABLE = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 0x20 + i))

  test('belong to classes', () => {
    expect(has(TOKEN)).toEqual([`!#$%&'*+-.${DIGITS}${CAPITALS}^_\`${SMALL}|~`, 0])
    expect(has(VALUE)).toEqual([`\t${PRINTABLE}`, 128])
    expect(has(TARGET)).toEqual([PRINTABLE.replace(/[ "#<>]/g, ''), 0])
    expect(has(UNRESERVED)).toEqual([`-.${DIGITS}${CAPITALS}_${SMALL}~`, 0])
    expect(has(REG_NAME)).toEqual([`!$&'()*+-.${DIGITS};=${CAPITALS}_${SMALL}~`, 0])
    expect([...LOWER.keys()].filter((byte) => LOWER[byte] !== byte).length).toBe(26)
    expect(
      Buffer.from(CAPITALS)
        .map((byte) => LOWER[byte]!)
        .toString(),
    ).toBe(SMALL)
    expect(
      [...HEX.keys()].filter((byte) => HEX[byte] !== 255).map((byte) => String.fromCharCode(byte)),
    ).toEqual([...'0123456789ABCDEFabcdef'])
    expect([...Buffer.from('09afAF')].map((byte) => HEX[byte]!)).toEqual([0, 9, 10, 15, 10, 15])
  })

  test('are compared and read', () => {
    const bytes = Buffer.from('xAbCx12x')
    expect([isText(bytes, 1, 4, 'abc'), isText(bytes, 1, 4, 'abd'), isText(bytes, 1, 3, 'abc')]).toEqual([
      true,
      false,
      false,
    ])
    const same = (text: string) => isBytes(bytes, 1, 4, Buffer.from(text))
    expect(['AbC', 'abC', 'Abc', 'AbCx', 'Ab'].map(same)).toEqual([true, false, false, false, false])
    expect([decimal(bytes, 5, 7), decimal(bytes, 5, 5), decimal(bytes, 4, 7), decimal(bytes, 5, 8)]).toEqual([
      12, -1, -1, -1,
    ])
  })

  test.each([
    ['a\r\nb', false],
    ['a\nb', true],
    ['a\r\nb\n', true],
    ['\nb', true],
    ['', false],
  ])('%j has a line that ends with LF alone: %p', (text, hasIt) => {
    expect(hasBareLf(Buffer.from(text), 0)).toBe(hasIt)
  })
})
