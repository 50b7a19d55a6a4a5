import { expect, test } from 'bun:test'
import { faster } from './faster.ts'

test('ranges, offsets, waits and intervals become shorter in proportion', () => {
  expect(faster('rate(x_total[5m] offset 1h) > 0.1', 10)).toBe('rate(x_total[30000ms] offset 360000ms) > 0.1')
  expect(faster('for: 30s\nscrape_interval: 10s # as timeInterval', 20)).toBe(
    'for: 1500ms\nscrape_interval: 500ms # as timeInterval',
  )
})

test('a window in seconds becomes shorter with its range', () => {
  expect(faster('x / (5 * 60) or rate(x[5m])', 20)).toBe('x / (15) or rate(x[15000ms])')
})

test('intervals of rule groups become shorter', () => {
  expect(faster('interval: 30s', 10)).toBe('interval: 3000ms')
})

test('names, thresholds and labels do not change', () => {
  const rule = "record: edge:slo_errors:ratio_rate5m\nlabels: { window: '1h' }\nexpr: x_seconds > 5"
  expect(faster(rule, 10)).toBe(rule)
})
