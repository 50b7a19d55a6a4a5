import { expect, test } from 'bun:test'
import { Memo } from './memo.ts'

const entry = (text: string) => ({ block: Buffer.from(text) })

test('a block is found by its bytes, wherever they stand, and by no others', () => {
  const memo = new Memo(8)
  const kept = entry('Host: a\r\n')
  memo.keep(kept)
  const bytes = Buffer.from('xxHost: a\r\nHost: b\r\nhost: a\r\n')
  expect(memo.find(bytes, 2, 11)).toBe(kept)
  expect(memo.find(bytes, 11, 20)).toBeUndefined()
  expect(memo.find(bytes, 20, 29)).toBeUndefined()
  expect(memo.find(bytes, 2, 10)).toBeUndefined()
})

test('it is bounded: a block takes the place of one as long, and a large one is not kept', () => {
  const memo = new Memo(2)
  for (const text of ['aa', 'bb', 'cccc']) memo.keep(entry(text))
  expect(memo.find(Buffer.from('bb'), 0, 2)).toBeUndefined()
  expect(memo.find(Buffer.from('cccc'), 0, 4)).toBeDefined()
  const large = Buffer.alloc(10_000, 'a')
  memo.keep({ block: large })
  expect(memo.find(large, 0, large.length)).toBeUndefined()
})
