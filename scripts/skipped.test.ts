import { expect, test } from 'bun:test'
import { conclusion, skippedIn } from './skipped.ts'

const output = [
  'SKIPPED: promtool is not on PATH, so nothing checks the rules',
  '(skip) a > b',
  'SKIPPED: amtool is not on PATH, so nothing checks alertmanager.yml',
  'SKIPPED: promtool is not on PATH, so nothing checks the rules',
  ' 12 pass',
  ' 3 skip',
  ' 0 fail',
].join('\n')

test('skipped tests are counted, and each reason is told once', () => {
  expect(skippedIn(output)).toEqual({
    tests: 3,
    reasons: [
      'amtool is not on PATH, so nothing checks alertmanager.yml',
      'promtool is not on PATH, so nothing checks the rules',
    ],
  })
})

test('a run without skipped tests has none', () => {
  expect(skippedIn(' 12 pass\n 0 fail\n')).toEqual({ tests: 0, reasons: [] })
})

test.each([
  [[], { tests: 0, reasons: [] }, 'Everything holds, and no test was skipped.'],
  [['lint', 'tests'], { tests: 0, reasons: [] }, 'Failed: lint, tests.'],
  [[], { tests: 1, reasons: ['x is missing'] }, 'Everything holds, but 1 test was skipped:\n  x is missing'],
  [['types'], { tests: 2, reasons: ['x', 'y'] }, 'Failed: types.\n2 tests were skipped:\n  x\n  y'],
])('after failures %j and skips %j the check says so', (failed, skipped, text) => {
  expect(conclusion(failed, skipped)).toBe(text)
})
