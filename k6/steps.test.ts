import { expect, test } from 'bun:test'
import { breakpointStages, rateAt, rates, stepName } from './steps.ts'

test('steps go up, and each lasts as long as the others', () => {
  expect(rates.toSorted((a, b) => a - b)).toEqual([...rates])
  expect(breakpointStages(20).slice(0, 4)).toEqual([
    { duration: '0s', target: 100 },
    { duration: '20s', target: 100 },
    { duration: '0s', target: 200 },
    { duration: '20s', target: 200 },
  ])
})

test('the step of a moment is the one whose time it is; after the last it stays the last', () => {
  expect([0, 19_999, 20_000, 1e9].map((ms) => rateAt(ms, 20))).toEqual([100, 100, 200, 5000])
})

test('names of steps sort as their rates', () => {
  const names = rates.map(stepName)
  expect(names.toSorted()).toEqual(names)
})
