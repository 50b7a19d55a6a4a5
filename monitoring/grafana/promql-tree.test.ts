import { expect, test } from 'bun:test'
import { selectorsOf } from './promql-tree.ts'

test('a selector has its labels and the functions that enclose it', () => {
  expect(
    selectorsOf('histogram_quantile(0.9, sum by (le) (rate(x_bucket{job="a", le!="1"}[1m]))) > y'),
  ).toEqual([
    { metric: 'x_bucket', labels: ['job', 'le'], functions: ['rate', 'histogram_quantile'] },
    { metric: 'y', labels: [], functions: [] },
  ])
})

test('a text that is not PromQL is rejected with the position of the error', () => {
  expect(() => selectorsOf('sum by (job (up)')).toThrow('not PromQL at "(up)" in: sum by (job (up)')
})
