import { expect, test } from 'bun:test'
import { BlockCache } from './block_cache.ts'

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
