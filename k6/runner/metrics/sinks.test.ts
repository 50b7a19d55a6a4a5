import { expect, test } from 'bun:test'
import { newSink, Trend } from './sinks.ts'

test('a counter adds up, and its rate is by the second', () => {
  const sink = newSink('counter')
  expect(sink.values([], 0)).toEqual({ count: 0, rate: 0 })
  for (const value of [1, 2, 3]) sink.add(value)
  expect(sink.values([], 2000)).toEqual({ count: 6, rate: 3 })
})

test('a counter without samples has the value 0; the other kinds have none', () => {
  const isEmpty = (['counter', 'gauge', 'rate', 'trend'] as const).map((type) => newSink(type).isEmpty)
  expect(isEmpty).toEqual([false, true, true, true])
})

test('a gauge keeps the last value, the lowest and the highest', () => {
  const sink = newSink('gauge')
  expect(sink.values([], 0)).toEqual({ value: 0, min: 0, max: 0 })
  for (const value of [5, 9, 7]) sink.add(value)
  expect(sink.isEmpty).toBe(false)
  expect(sink.values([], 0)).toEqual({ value: 7, min: 5, max: 9 })
})

test('a rate is the part of samples that are not 0', () => {
  const sink = newSink('rate')
  expect(sink.values([], 0)).toEqual({ rate: 0, passes: 0, fails: 0 })
  for (const value of [1, 0, 1, 1]) sink.add(value)
  expect(sink.isEmpty).toBe(false)
  expect(sink.values([], 0)).toEqual({ rate: 0.75, passes: 3, fails: 1 })
})

test('a trend has the statistics of its samples, to three figures', () => {
  const trend = new Trend()
  for (let ms = 1; ms <= 100; ms++) trend.add(ms)
  const values = trend.values(['avg', 'min', 'med', 'p(95)', 'p(99)', 'p(100)', 'max'])
  const exact = { avg: 50.5, min: 1, med: 50, 'p(95)': 95, 'p(99)': 99, 'p(100)': 100, max: 100 }
  expect(Object.keys(values)).toEqual(Object.keys(exact))
  for (const [stat, value] of Object.entries(exact))
    expect(Math.abs(values[stat]! / value - 1)).toBeLessThan(0.001)
})

test('no percentile is above the highest sample', () => {
  const trend = new Trend()
  trend.add(155.2001)
  for (const stat of ['med', 'p(99)', 'p(100)'])
    expect(trend.value(stat)).toBeLessThanOrEqual(trend.value('max'))
})

test('a trend without samples is 0, and so is one that was reset', () => {
  const trend = new Trend()
  const stats = ['avg', 'min', 'med', 'max', 'p(95)']
  const zeros = Object.fromEntries(stats.map((stat) => [stat, 0]))
  expect(trend.values(stats)).toEqual(zeros)
  trend.add(5)
  trend.reset()
  expect(trend.values(stats)).toEqual(zeros)
})

test('a trend takes what is shorter than a microsecond and longer than two minutes for these', () => {
  const trend = new Trend()
  for (const ms of [0, 1e9]) trend.add(ms)
  expect(trend.value('min')).toBe(0.001)
  expect(trend.value('max')).toBeCloseTo(120_000, -2)
})

test.each(['p95', 'p(101)', 'p(-1)', 'mean', ''])('"%s" is no statistic', (stat) => {
  expect(() => new Trend().value(stat)).toThrow(
    `"${stat}" is not a statistic: choose avg, min, med, max or p(0) to p(100)`,
  )
})
