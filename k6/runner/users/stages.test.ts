import { expect, test } from 'bun:test'
import { Ramp } from './stages.ts'

const steps = (ramp: Ramp) => [...ramp.steps()].map(({ atMs, count }) => [atMs, count])

test('a number goes up and down in even steps, each at the end of its part of the stage', () => {
  const ramp = new Ramp(1, [
    { duration: '4s', target: 3 },
    { duration: '2s', target: 3 },
    { duration: '1s', target: 1 },
  ])
  expect(ramp.durationMs).toBe(7000)
  expect(steps(ramp)).toEqual([
    [0, 1],
    [2000, 2],
    [4000, 3],
    [6500, 2],
    [7000, 1],
  ])
})

test('a stage without a length jumps', () => {
  const ramp = new Ramp(5, [
    { duration: '0s', target: 9 },
    { duration: '1s', target: 9 },
    { duration: '0s', target: 0 },
  ])
  expect(steps(ramp)).toEqual([
    [0, 5],
    [0, 9],
    [1000, 0],
  ])
})

test('the area under a rate is what it adds up to, also within a stage, before the begin and after the end', () => {
  const ramp = new Ramp(0, [
    { duration: '2s', target: 10 },
    { duration: '0s', target: 2 },
    { duration: '1s', target: 2 },
  ])
  expect([-1, 0, 1000, 2000, 2500, 3000, 9000].map((ms) => ramp.areaUntil(ms))).toEqual([
    0, 0, 2500, 10_000, 11_000, 12_000, 12_000,
  ])
})
