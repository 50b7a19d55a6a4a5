import { expect, test } from 'bun:test'
import { mix, operationAt } from './mix.ts'

test('a thousand even points give each operation its parts', () => {
  const counts = { list: 0, create: 0, change: 0, delete: 0 }
  for (let point = 0; point < 1000; point++) counts[operationAt((point + 0.5) / 1000)]++
  expect(counts).toEqual(mix)
})

test('both ends of the range have an operation, and nothing beyond it', () => {
  expect([operationAt(0), operationAt(1 - Number.EPSILON)]).toEqual(['list', 'delete'])
  expect(() => operationAt(1)).toThrow('from 0 to below 1, not 1')
})
