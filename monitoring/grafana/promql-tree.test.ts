import { expect, test } from 'bun:test'
import { selectorsOf } from './promql-tree.ts'

test('a selector is read with its labels and the functions around it', () => {
  expect(
    selectorsOf('histogram_quantile(0.9, sum by (le) (rate(x_bucket{job="a", le!="1"}[1m]))) > y'),
  ).toEqual([
    { metric: 'x_bucket', labels: ['job', 'le'], functions: ['rate', 'histogram_quantile'] },
    { metric: 'y', labels: [], functions: [] },
  ])
})

test('what is not PromQL is refused with the place', () => {
  expect(() => selectorsOf('sum by (job (up)')).toThrow('not PromQL at "(up)" in: sum by (job (up)')
})
