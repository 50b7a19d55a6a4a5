import { expect, test } from 'bun:test'
import { clockOf, millisecondsOf } from './duration.ts'

test.each([
  ['0s', 0],
  ['500ms', 500],
  ['15s', 15_000],
  ['1.5s', 1500],
  ['2m', 120_000],
  ['1m30s', 90_000],
  ['1h1m1s1ms', 3_661_001],
])('%s is %d ms', (text, ms) => {
  expect(millisecondsOf(text)).toBe(ms)
})

test.each(['', '5', '5 s', 's', '-5s', '5d', '1m 30s', 'x5s', '5sx'])('"%s" is refused', (text) => {
  expect(() => millisecondsOf(text)).toThrow(`"${text}" is not a duration: write it as 30s, 1m30s or 500ms`)
})

test.each([
  [0, '0:00'],
  [59_999, '0:59'],
  [60_000, '1:00'],
  [3_600_000, '60:00'],
])('%d ms are shown as %s', (ms, clock) => {
  expect(clockOf(ms)).toBe(clock)
})
