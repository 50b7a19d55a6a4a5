import { beforeEach, expect, test } from 'bun:test'
import { coalesce, commit, discard, flush, reserve } from './coalesce.ts'

const BUFFER_BYTES = 65_536
const LARGE_BYTES = 32_768

/** A sink that keeps each write, and whether its bytes are shared. */
function sink() {
  const writes: [text: string, isShared: boolean][] = []
  const write = (bytes: Buffer, from: number, to: number, isShared = false) =>
    void writes.push([bytes.toString('latin1', from, to), isShared])
  return { writes, write }
}

beforeEach(discard)

test('parts are one write, which is shared', () => {
  const out = sink()
  coalesce(out, Buffer.from('-head-'), 1, 5)
  coalesce(out, Buffer.from('body'), 0, 4)
  expect(out.writes).toEqual([])
  flush(out)
  flush(out)
  expect(out.writes).toEqual([['headbody', true]])
})

test('a large part is written as it is, behind those that wait', () => {
  const out = sink()
  const large = 'x'.repeat(LARGE_BYTES + 1)
  coalesce(out, Buffer.from('head'), 0, 4)
  coalesce(out, Buffer.from(large), 0, large.length)
  expect(out.writes).toEqual([
    ['head', true],
    [large, false],
  ])
  flush(out)
  expect(out.writes).toHaveLength(2)
})

test('a part of the largest size that is copied is not written at once', () => {
  const out = sink()
  coalesce(out, Buffer.alloc(LARGE_BYTES), 0, LARGE_BYTES)
  coalesce(out, Buffer.alloc(LARGE_BYTES), 0, LARGE_BYTES)
  expect(out.writes).toEqual([])
  coalesce(out, Buffer.from('a'), 0, 1)
  expect(out.writes.map(([text]) => text.length)).toEqual([BUFFER_BYTES])
  flush(out)
  expect(out.writes[1]).toEqual(['a', true])
})

test('bytes can be written in place', () => {
  const out = sink()
  coalesce(out, Buffer.from('a'), 0, 1)
  const { buffer, at } = reserve(out, 2)
  expect(at).toBe(1)
  commit(at + buffer.write('bc', at))
  flush(out)
  expect(out.writes).toEqual([['abc', true]])
})

test.each([
  [1, 0],
  [2, 1],
])('room for %d more bytes than are free after the last but one: %d writes', (bytes, writes) => {
  const out = sink()
  for (const size of [LARGE_BYTES, LARGE_BYTES - 1]) coalesce(out, Buffer.alloc(size), 0, size)
  const { at } = reserve(out, bytes)
  expect(out.writes).toHaveLength(writes)
  expect(at).toBe(writes === 0 ? BUFFER_BYTES - 1 : 0)
})

test('discarded bytes reach no other connection', () => {
  const [first, second] = [sink(), sink()]
  coalesce(first, Buffer.from('a'), 0, 1)
  discard()
  coalesce(second, Buffer.from('b'), 0, 1)
  flush(second)
  expect([first.writes, second.writes]).toEqual([[], [['b', true]]])
})
