/** Lines of the text format, read as samples. */
import { expect, test } from 'bun:test'
import { samplesOf } from './exposition.ts'

const read = (page: string, ...names: string[]) =>
  samplesOf(page, new Set(names)).map(({ labels, value }) => [labels, value])

test('samples with a wanted name are read, other lines are skipped', () => {
  const page = '# HELP a b\n# TYPE a counter\na 1\nab 2\nb{x="y"} 3\n\na{x="y"} 4\n'
  expect(read(page, 'a')).toEqual([
    [{}, 1],
    [{ x: 'y' }, 4],
  ])
})

test.each([
  ['a{b="c",d="e f"} 1.5e3', { b: 'c', d: 'e f' }, 1500],
  [String.raw`a{b="q\"\\\n}",c=""} 2`, { b: 'q"\\\n}', c: '' }, 2],
  ['a{b="c"} 7 1700000000000', { b: 'c' }, 7],
  ['a +Inf', {}, Infinity],
  ['a -Inf', {}, -Infinity],
  ['a NaN', {}, NaN],
])('%s', (line, labels, value) => {
  expect(read(line, 'a')).toEqual([[labels, value]])
})
