import { describe, expect, test } from 'bun:test'
import { BlockCache } from './block_cache.ts'
import { FieldList } from './fields.ts'
import { readResponseHead, type ResponseHead } from './response_head.ts'

const entry = (text: string) => ({ block: Buffer.from(text) })

test('a block is found by equal bytes at any offset, and by no others', () => {
  const blockCache = new BlockCache(8)
  const kept = entry('Host: a\r\n')
  blockCache.keep(kept)
  const bytes = Buffer.from('xxHost: a\r\nHost: b\r\nhost: a\r\n')
  expect(blockCache.find(bytes, 2, 11)).toBe(kept)
  expect(blockCache.find(bytes, 11, 20)).toBeUndefined()
  expect(blockCache.find(bytes, 20, 29)).toBeUndefined()
  expect(blockCache.find(bytes, 2, 10)).toBeUndefined()
})

test('it is bounded: a block replaces one of the same length, and a large one is not kept', () => {
  const blockCache = new BlockCache(2)
  for (const text of ['aa', 'bb', 'cccc']) blockCache.keep(entry(text))
  expect(blockCache.find(Buffer.from('bb'), 0, 2)).toBeUndefined()
  expect(blockCache.find(Buffer.from('cccc'), 0, 4)).toBeDefined()
  const large = Buffer.alloc(10_000, 'a')
  blockCache.keep({ block: large })
  expect(blockCache.find(large, 0, large.length)).toBeUndefined()
})

describe('a block with an id that differs from message to message', () => {
  const head = (id: string, rest = 'Date: now') =>
    Buffer.from(`HTTP/1.1 200 OK\r\nX-Request-Id: ${id}\r\n${rest}\r\n\r\n`)
  const cached = () => {
    const blockCache = new BlockCache<ResponseHead>(64)
    const bytes = head('0000')
    const entry = readResponseHead(bytes, 0, bytes.length, new FieldList(10)) as ResponseHead
    blockCache.keep(entry)
    return { blockCache, entry }
  }

  test('is found by another id of that length, and forwards that one', () => {
    const { blockCache, entry } = cached()
    const bytes = Buffer.concat([Buffer.from('xx'), head('abcd')])
    expect(blockCache.find(bytes, 2, bytes.length)).toBe(entry)
    expect(entry.block.toString()).toBe(head('abcd').toString())
    expect(entry.forward.toString()).toBe('HTTP/1.1 200 OK\r\nX-Request-Id: abcd\r\nDate: now\r\n')
  })

  test.each([
    ['another field differs, too', head('abcd', 'Date: new')],
    ['the id has a space at its end, which is not of the value', head('abc ')],
    ['the id has a byte that no token has', head('ab(d')],
    ['the id ends early, and another field begins', head('\r\nA:')],
    ['the id is longer, and the rest shorter', head('abcde', 'Date: no')],
  ])('is not found when %s', (_, bytes) => {
    const { blockCache, entry } = cached()
    expect(blockCache.find(bytes, 0, bytes.length)).toBeUndefined()
    expect(entry.block.toString()).toBe(head('0000').toString())
  })

  test('is compared whole when Connection names the id: it is not forwarded then', () => {
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nConnection: x-request-id\r\nX-Request-Id: 0000\r\n\r\n')
    const entry = readResponseHead(bytes, 0, bytes.length, new FieldList(10)) as ResponseHead
    expect(entry.varying).toBeUndefined()
  })
})
