import { expect, test } from 'bun:test'
import { type Mutant, sampled } from './mutant.ts'

const mutant = (file: string, n: number): Mutant => ({
  file,
  line: n,
  start: n,
  end: n,
  replacement: '',
  kind: 'K',
  original: `a${n}`,
  mutated: `b${n}`,
  key: `${file}${n}`,
})
const of = (file: string, count: number) => Array.from({ length: count }, (_, n) => mutant(file, n))
const all = [...of('large.ts', 60), ...of('middle.ts', 30), ...of('small.ts', 10)]

test.each([0, 1, 10, 33, 99, 100, 1000])('a sample of %d has that many mutants, or all', (size) => {
  expect(sampled(all, size, 1)).toHaveLength(Math.min(size, 100))
})

test('without a number all are picked', () => {
  expect(sampled(all, Infinity, 1)).toHaveLength(100)
})

test('every file has its share', () => {
  const counts = Map.groupBy(sampled(all, 20, 7), ({ file }) => file)
  expect([...counts].map(([file, { length }]) => [file, length])).toEqual([
    ['large.ts', 12],
    ['middle.ts', 6],
    ['small.ts', 2],
  ])
})

test('the seed decides which, and a line that moved keeps its place in the sample', () => {
  const keys = (seed: number, mutants = all) => sampled(mutants, 20, seed).map(({ key }) => key)
  expect(keys(1)).toEqual(keys(1))
  expect(keys(1)).not.toEqual(keys(2))
  const moved = all.map((mutant) =>
    Object.assign({}, mutant, { line: mutant.line + 5, start: mutant.start + 99 }),
  )
  expect(keys(1, moved)).toEqual(keys(1))
})
