import { expect, test } from 'bun:test'
import { FieldList } from './fields.ts'
import { CHUNKED, NO_LENGTH } from './framing.ts'
import { readResponseHead } from './response_head.ts'

const list = new FieldList(8)

/** Reads a head that stands behind other bytes. */
function read(text: string) {
  const bytes = Buffer.from(`before${text}behind`, 'latin1')
  const head = readResponseHead(bytes, 'before'.length, bytes.length - 'behind'.length, list)
  return typeof head === 'string' ? head : { ...head, forward: head.forward.toString('latin1') }
}

const headOf = (line: string, ...fields: string[]) => [line, ...fields, '', ''].join('\r\n')
const PLAIN = { isPersistent: true, isVerbatim: true, hasDate: false }

test.each([
  [['HTTP/1.1 200 OK', 'Content-Length: 2'], { status: 200, framing: 2, ...PLAIN }],
  [['HTTP/1.1 200 OK', 'Content-Length: 0'], { framing: 0, ...PLAIN }],
  [['HTTP/1.1 200 OK', 'date: x', 'A:b'], { framing: NO_LENGTH, ...PLAIN, hasDate: true }],
  [['HTTP/1.1 599 ', 'Transfer-Encoding: chunked'], { status: 599, framing: CHUNKED, ...PLAIN }],
  [['HTTP/1.1 200 OK', 'Connection: close'], { isPersistent: false, isVerbatim: false }],
  [['HTTP/1.1 200 OK', 'Connection: keep-alive'], { isPersistent: true, isVerbatim: false }],
  [['HTTP/1.1 200 OK', 'Connection: a;b'], { isPersistent: false, isVerbatim: false }],
  [['HTTP/1.0 200 OK', 'Connection: keep-alive'], { isPersistent: false, isVerbatim: false }],
  [['HTTP/1.2 200 OK'], { isPersistent: true, isVerbatim: false }],
  [['HTTP/1.1 200'], { status: 200, isVerbatim: false }],
  [['HTTP/1.1 100 Continue'], { status: 100, ...PLAIN }],
  [['HTTP/1.1 200 OK', 'A : b'], { isVerbatim: false }],
  [['HTTP/1.1 200 OK', 'Keep-Alive: timeout=5'], { isVerbatim: false }],
  [['HTTP/1.1 200 OK', 'Content-Length: 02'], { framing: 2, isVerbatim: false }],
  [['HTTP/1.1 200 OK', 'Content-Length: 2', 'Content-Length: 2'], { framing: 2, isVerbatim: false }],
])('%j is read', ([line, ...fields], expected) => {
  expect(read(headOf(line!, ...fields))).toMatchObject(expected)
})

test.each([
  [
    ['HTTP/1.1 200 OK', 'A:  b ', 'C:'],
    ['HTTP/1.1 200 OK', 'A: b', 'C: '],
  ],
  [['HTTP/1.0 200'], ['HTTP/1.1 200 ']],
  [['HTTP/1.1 200 \tx'], ['HTTP/1.1 200 \tx']],
  [
    ['HTTP/1.1 200 OK', 'Connection: a, B', 'A: 1', 'b: 2', 'C: 3', 'Upgrade: h2', 'Keep-Alive: x'],
    ['HTTP/1.1 200 OK', 'C: 3'],
  ],
  [
    ['HTTP/1.1 200 OK', 'content-length: 007', 'A: b', 'Content-Length: 7'],
    ['HTTP/1.1 200 OK', 'Content-Length: 7', 'A: b'],
  ],
  [
    ['HTTP/1.1 200 OK', 'Content-Length: 0'],
    ['HTTP/1.1 200 OK', 'Content-Length: 0'],
  ],
  [
    ['HTTP/1.1 204 No', 'Content-Length: 0', 'A: b'],
    ['HTTP/1.1 204 No', 'A: b'],
  ],
  [['HTTP/1.1 199 No', 'Transfer-Encoding: chunked'], ['HTTP/1.1 199 No']],
  [
    ['HTTP/1.1 304 No', 'Content-Length: 5'],
    ['HTTP/1.1 304 No', 'Content-Length: 5'],
  ],
  [
    ['HTTP/1.1 101 S', 'Upgrade: a, B/1'],
    ['HTTP/1.1 101 S', 'Connection: Upgrade', 'Upgrade: a, B/1'],
  ],
])('%j is forwarded as %j', ([line, ...fields], forwarded) => {
  expect(read(headOf(line!, ...fields))).toMatchObject({ forward: `${forwarded.join('\r\n')}\r\n` })
})

test.each([
  ['status_line', 'HTTP/1.1 99 a'],
  ['status_line', 'HTTP/1.1 099 a'],
  ['status_line', 'HTTP/1.1 20'],
  ['status_line', 'HTTP/1.1 2000'],
  ['status_line', 'HTTP/1.1 20x a'],
  ['status_line', 'HTTP/1.1 200a'],
  ['status_line', 'HTTP/1.1 200\ta'],
  ['status_line', 'HTTP/1.1  200 a'],
  ['status_line', 'HTTP/1.1\t200 a'],
  ['status_line', 'HTTP/1.a 200 a'],
  ['status_line', 'HTTP/2.0 200 a'],
  ['status_line', 'http/1.1 200 a'],
  ['status_line', 'HTTP/1.1 200 a\rb'],
  ['status_line', 'HTTP/1.1 200 \x00'],
  ['status_line', 'HTTP/1.1 200 \x7f'],
  ['status_line', 'HTTP/1.1 200 OK\nA: b'],
  ['field', 'HTTP/1.1 200 OK\r\nA'],
  ['field', 'HTTP/1.1 200 OK\r\n b: c'],
  ['fields_size', `HTTP/1.1 200 OK${'\r\nA: b'.repeat(9)}`],
  ['framing', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2'],
  ['framing', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked'],
  ['framing', 'HTTP/1.1 200 OK\r\nContent-Length:'],
  ['framing', 'HTTP/1.1 200 OK\r\nContent-Length: 1 1'],
  ['framing', 'HTTP/1.1 200 OK\r\nContent-Length: 1234567890123456'],
  ['framing', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
  ['framing', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip'],
  ['framing', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip'],
  ['framing', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked'],
  ['framing', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked'],
  ['coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked'],
  ['upgrade', 'HTTP/1.1 101 S'],
  ['upgrade', 'HTTP/1.1 101 S\r\nUpgrade: h2c'],
  ['upgrade', 'HTTP/1.1 101 S\r\nUpgrade: a b'],
])('%s is the rule that %j breaks', (rule, text) => {
  expect(read(`${text}\r\n\r\n`)).toBe(rule as never)
})

test('up to the limit of fields a head is read', () => {
  expect(read(`HTTP/1.1 200 OK${'\r\nA: b'.repeat(8)}\r\n\r\n`)).toMatchObject({ status: 200 })
})

test('the id of a response is found in a head that stands behind other bytes, and replaced by another one', () => {
  const text = (id: string) => headOf('HTTP/1.1 200 OK', 'A: 1', `X-Request-Id:  ${id}`, 'Connection: close')
  const bytes = Buffer.from(`before${text('first')}`)
  const head = readResponseHead(bytes, 'before'.length, bytes.length, list)
  if (typeof head === 'string') throw new Error(head)
  const { block, forward, varying } = head
  expect(block.toString('latin1', varying!.from, varying!.to)).toBe('first')
  varying!.adopt(Buffer.from(`more before${text('other')}`), 'more before'.length)
  expect(block.toString()).toBe(text('other'))
  expect(forward.toString()).toBe('HTTP/1.1 200 OK\r\nA: 1\r\nX-Request-Id: other\r\n')
})

test('of two ids the first is the one that varies, and a head without one has none', () => {
  const bytes = Buffer.from(headOf('HTTP/1.1 200 OK', 'X-Request-Id: a', 'x-request-id: b'))
  expect(readResponseHead(bytes, 0, bytes.length, list)).toMatchObject({ varying: { from: 31, to: 32 } })
  expect(read(headOf('HTTP/1.1 200 OK', 'X-Request-Idx: a'))).toMatchObject({ varying: undefined })
})

test('a head is a copy: the bytes of a socket are a part of a large buffer', () => {
  const text = headOf('HTTP/1.1 200 OK', 'A: b', 'X-Request-Id: 1')
  const bytes = Buffer.from(text)
  const head = readResponseHead(bytes, 0, bytes.length, list)
  bytes.fill('x')
  expect(head).toMatchObject({ block: Buffer.from(text), forward: Buffer.from(text.slice(0, -2)) })
})
