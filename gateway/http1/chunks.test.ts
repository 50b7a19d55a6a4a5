import { describe, expect, test } from 'bun:test'
import { Body } from './body.ts'
import { type ChunkOptions } from './chunks.ts'
import { connectionOptions } from './connection_options.ts'
import { FieldList } from './fields.ts'
import { CHUNKED, NO_LENGTH } from './framing.ts'

const KEEPS: ChunkOptions = { keepsChunks: true }
const DATA: ChunkOptions = { keepsChunks: false }
const PADDED: ChunkOptions = { keepsChunks: true, takesPadding: true }

const namedBy = (value: string) => {
  const list = new FieldList(8)
  const bytes = Buffer.from(`Connection: ${value}\r\n`)
  list.read(bytes, 0, bytes.length)
  return connectionOptions(bytes, list)
}

/** Reads a text that comes in pieces of this size. @returns what is forwarded, or `malformed` */
function forwarded(text: string, options: ChunkOptions, pieceBytes = text.length, framing = CHUNKED) {
  const body = new Body(framing, options)
  let out = ''
  let read = 0
  for (let at = 0; at < text.length && !body.isDone; at += pieceBytes) {
    const bytes = Buffer.from(text.slice(at, at + pieceBytes), 'latin1')
    const end = body.read(bytes, 0, bytes.length)
    if (end === -1) return 'malformed'
    read = at + end
    for (let i = 0; i < body.pieces.length; i += 2)
      out += bytes.toString('latin1', body.pieces[i], body.pieces[i + 1])
    if (body.tail !== undefined) out += body.tail.toString('latin1')
  }
  return { out, rest: text.slice(read), bytes: body.bytes, isDone: body.isDone }
}

describe('in pieces of any size', () => {
  const NEXT = 'GET / HTTP/1.1\r\n'
  test.each([
    ['5\r\nhello\r\n0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['05\r\nhello\r\nA\r\n0123456789\r\n00\r\n\r\n', undefined, 'hello0123456789'],
    ['1;a=b\r\nx\r\n1; c="d e"\r\ny\r\n0;e\r\n\r\n', '1\r\nx\r\n1\r\ny\r\n0\r\n\r\n', 'xy'],
    ['0\r\n\r\n', '0\r\n\r\n', ''],
    ['2\r\n\r\n\r\n0\r\n\r\n', '2\r\n\r\n\r\n0\r\n\r\n', '\r\n'],
    ['1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n', '1\r\nx\r\n0\r\n\r\n', 'x'],
  ])('a body is read up to its end: %j', (text, chunks = text, data) => {
    for (let pieceBytes = 1; pieceBytes <= text.length + NEXT.length; pieceBytes++) {
      const of = (options: ChunkOptions) => forwarded(text + NEXT, options, pieceBytes)
      expect(of(KEEPS)).toEqual({ out: chunks, rest: NEXT, bytes: data.length, isDone: true })
      expect(of(DATA)).toEqual({ out: data, rest: NEXT, bytes: data.length, isDone: true })
    }
  })

  test.each([
    ['A: b\r\nX-C: d\r\n', 'A: b\r\nX-C: d\r\n'],
    ['A:b \r\nHop: c\r\nX_Y: 1\r\nContent-Length: 5\r\nTE: x\r\n', 'A: b\r\n'],
    ['hOP: c\r\n', ''],
  ])('trailers are forwarded, but those that name the message or its connection: %j', (trailers, kept) => {
    const text = `1\r\nx\r\n0\r\n${trailers}\r\n`
    for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++)
      expect(forwarded(text, { ...KEEPS, trailersOf: namedBy('close, hop') }, pieceBytes)).toEqual({
        out: `1\r\nx\r\n0\r\n${kept}\r\n`,
        rest: '',
        bytes: 1,
        isDone: true,
      })
  })

  test.each([
    '\r\n',
    ';a\r\n',
    'g\r\n',
    '-1\r\n',
    '+1\r\n',
    '0x1\r\n',
    '1\n',
    '1\rx',
    ' 1\r\n',
    '1 \r\n',
    '1\t\r\n',
    '1;\x00\r\n',
    '1;a\nb',
    '1\r\nxy',
    '1\r\nx\n',
    '1\r\nx\rz',
    '0\r\n\rx',
    '0\r\nA\r\n\r\n',
    '0\r\nA : b\r\n\r\n',
    '0\r\n b\r\n\r\n',
  ])('it is malformed: %j', (text) => {
    for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++)
      expect(forwarded(text, KEEPS, pieceBytes)).toBe('malformed')
  })
})

describe('a bound holds on both sides:', () => {
  const last = '\r\n0\r\n\r\n'
  test.each<[string, (excess: number) => string]>([
    ['12 digits', (excess) => `${'0'.repeat(11 + excess)}1\r\nx${last}`],
    ['4096 bytes of extensions', (excess) => `1;${'a'.repeat(4096 + excess)}\r\nx${last}`],
    [
      '4096 bytes of extensions in all chunks',
      (excess) => `1;${'a'.repeat(2000)}\r\nx\r\n1;${'a'.repeat(2096 + excess)}\r\nx${last}`,
    ],
    ['8192 bytes of trailers', (excess) => `0\r\nA: ${'b'.repeat(8187 + excess)}\r\n\r\n`],
    ['32 trailers', (excess) => `0\r\n${'A: b\r\n'.repeat(32 + excess)}\r\n`],
  ])('%s', (_, text) => {
    for (const pieceBytes of [1, 1000, 10_000]) {
      expect(forwarded(text(0), KEEPS, pieceBytes)).toMatchObject({ isDone: true })
      expect(forwarded(text(1), KEEPS, pieceBytes)).toBe('malformed')
    }
  })

  test('4096 spaces behind a size, where they are allowed', () => {
    const text = (spaces: number) => `1${' '.repeat(spaces)}\r\nx${last}`
    for (const pieceBytes of [1, 1000, 10_000]) {
      expect(forwarded(text(4096), PADDED, pieceBytes)).toMatchObject({ isDone: true })
      expect(forwarded(text(4097), PADDED, pieceBytes)).toBe('malformed')
    }
  })

  test('a trailer section that does not end is not kept for ever', () => {
    const body = new Body(CHUNKED, KEEPS)
    const begin = Buffer.from('0\r\nA: ')
    body.read(begin, 0, begin.length)
    const more = Buffer.alloc(1000, 'b')
    let pieces = 0
    while (body.read(more, 0, more.length) !== -1) expect(++pieces).toBeLessThan(10)
    expect(pieces).toBe(8)
  })
})

test.each([
  ['1 \r\nx\r\n0\t\r\n\r\n', '1\r\nx\r\n0\r\n\r\n'],
  ['1 \t;a\r\nx\r\n0 \r\n\r\n', '1\r\nx\r\n0\r\n\r\n'],
  ['1 1\r\n', undefined],
  ['1 \n', undefined],
  [' 1\r\n', undefined],
])('spaces behind a size, where they are allowed: %j', (text, expected) => {
  for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++) {
    const result = forwarded(text, PADDED, pieceBytes)
    if (expected === undefined) expect(result).toBe('malformed')
    else expect(result).toMatchObject({ out: expected, isDone: true })
  }
})

test('the beginning of a trailer section is kept as a copy: a socket’s bytes are a part of a large buffer', () => {
  const body = new Body(CHUNKED, { ...KEEPS, trailersOf: namedBy('close') })
  const begin = Buffer.from('0\r\nA: b\r\nC')
  body.read(begin, 0, begin.length)
  begin.fill('x')
  const end = Buffer.from(': d\r\n\r\n')
  body.read(end, 0, end.length)
  expect(String(body.tail)).toBe('A: b\r\nC: d\r\n\r\n')
})

describe('a body without chunks', () => {
  test('ends with its length', () => {
    for (let pieceBytes = 1; pieceBytes <= 6; pieceBytes++)
      expect(forwarded('hello!', KEEPS, pieceBytes, 5)).toEqual({
        out: 'hello',
        rest: '!',
        bytes: 5,
        isDone: true,
      })
    expect(forwarded('hell', KEEPS, 4, 5)).toMatchObject({ out: 'hell', bytes: 4, isDone: false })
  })

  test('without a length ends with its connection in a response, and has none in a request', () => {
    expect(forwarded('hello', KEEPS, 2, NO_LENGTH)).toMatchObject({ out: 'hello', bytes: 5, isDone: false })
    const request = Body.ofRequest(NO_LENGTH, KEEPS)
    expect([request.isDone, request.isOpenEnded]).toEqual([true, false])
    expect(request.read(Buffer.from('x'), 0, 1)).toBe(0)
    expect(new Body(NO_LENGTH, KEEPS).isOpenEnded).toBe(true)
  })
})
