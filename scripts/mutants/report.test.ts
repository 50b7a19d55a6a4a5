import { expect, test } from 'bun:test'
import { noticedPercent, type Outcome, report } from './report.ts'

const outcome = (verdict: Outcome['verdict'], file = 'f/a.ts'): Outcome => ({
  file,
  line: 3,
  start: 0,
  end: 0,
  replacement: '',
  kind: 'K',
  original: 'a < b',
  mutated: 'a <= b',
  key: '',
  verdict,
})

test('a time-out is noticed; what does not compile, and what no user could notice, does not count', () => {
  const outcomes = (['noticed', 'timed out', 'timed out', 'survived', 'types', 'equivalent'] as const).map(
    (verdict) => outcome(verdict),
  )
  expect(noticedPercent(outcomes)).toBe(75)
  expect(noticedPercent([outcome('types')])).toBe(100)
})

test('the report has figures of each file and of all, survivors with their lines, and entries that match nothing', () => {
  const outcomes = [outcome('noticed'), outcome('survived'), outcome('noticed', 'f/b.ts')]
  const text = report(outcomes, [{ file: 'f/a.ts', original: 'gone', mutated: 'gone, too', reason: 'r' }])
  expect(text.replaceAll(/ +/g, ' ')).toBe(`file all noticed timed out survived types equivalent noticed %
f/a.ts 2 1 0 1 0 0 50
f/b.ts 1 1 0 0 0 0 100
in all 3 2 0 1 0 0 67

f/a.ts:3 K
 - a < b
 + a <= b

matches no mutant: f/a.ts
 - gone
 + gone, too`)
})
