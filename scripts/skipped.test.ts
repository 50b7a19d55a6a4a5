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

const none = { tests: 0, reasons: [] }
test.each([
  [[], none, 0, 'Everything holds, and no test was left out.'],
  [['lint', 'tests'], none, 0, 'Failed: lint, tests.'],
  [[], { tests: 1, reasons: ['x is missing'] }, 0, 'Everything holds.\n1 test was skipped:\n  x is missing'],
  [['types'], { tests: 2, reasons: ['x', 'y'] }, 0, 'Failed: types.\n2 tests were skipped:\n  x\n  y'],
  [[], none, 1, 'Everything holds.\n1 slow test file was left out: `bun run check --all` runs them.'],
  [
    ['tests'],
    { tests: 1, reasons: ['x'] },
    12,
    'Failed: tests.\n1 test was skipped:\n  x\n12 slow test files were left out: `bun run check --all` runs them.',
  ],
])('after failures %j, skips %j and %d slow files the check says so', (failed, skipped, slowFiles, text) => {
  expect(conclusion(failed, skipped, slowFiles)).toBe(text)
})
