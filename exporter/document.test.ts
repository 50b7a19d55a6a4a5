/** Documents that grow side by side within one budget. */
import { expect, test } from 'bun:test'
import { Budget } from './budget.ts'
import { Document } from './document.ts'

const MEBIBYTE = 1024 * 1024
const filler = (bytes: number) => new Uint8Array(bytes).fill(0x61)

const LOST = 'its answer is the longest of those that are being read, and memory is short'

function documents(limitBytes: number) {
  const budget = new Budget(limitBytes)
  return { budget, one: new Document(budget), other: new Document(budget) }
}

test('what was appended is its text, and bytes that are no UTF-8 are replaced', () => {
  const { one } = documents(MEBIBYTE)
  for (const piece of [Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]) one.append(piece)
  expect(one.text()).toBe('{"a":"\ufffd"}')
})

test('where the budget is not enough, whoever holds the most gives way, and the others go on', () => {
  const { one: small, other: large } = documents(MEBIBYTE)
  small.append(filler(1000))
  large.append(filler(700_000))
  small.append(filler(400_000))
  expect(small.text()).toHaveLength(401_000)
  expect(() => large.append(filler(1))).toThrow(LOST)
  expect(() => large.text()).toThrow(LOST)
})

test('whoever is too long alone is lost alone, and holds nothing', () => {
  const { one: small, other: endless, budget } = documents(MEBIBYTE)
  small.append(filler(10))
  expect(() => {
    for (;;) endless.append(filler(100_000))
  }).toThrow(LOST)
  expect(budget.heldBytes).toBe(small.heldBytes)
})

test('one alone may have all of the budget', () => {
  const { one } = documents(MEBIBYTE)
  for (let i = 0; i < 8; i++) one.append(filler(MEBIBYTE / 8))
  expect(one.text()).toHaveLength(MEBIBYTE)
})

test('what is released is there for the next', () => {
  const { one, other, budget } = documents(MEBIBYTE)
  for (const document of [one, other]) {
    document.append(filler(900_000))
    document.release()
  }
  expect(budget.heldBytes).toBe(0)
})
