/** The text format, character by character. */
import { expect, test } from 'bun:test'
import { type MetricFamily, renderText } from './text.ts'

const family = (change: Partial<MetricFamily>): MetricFamily => ({
  name: 'x_total',
  help: 'Help.',
  type: 'counter',
  samples: [{ labels: {}, value: 1 }],
  ...change,
})

test('a family is its help, its type and its samples', () => {
  const samples = [
    { labels: { app: 'dogs', worker: '1' }, value: 0.5 },
    { labels: {}, value: 1e21 },
  ]
  expect(renderText([family({ samples })])).toBe(
    '# HELP x_total Help.\n# TYPE x_total counter\nx_total{app="dogs",worker="1"} 0.5\nx_total 1e+21\n',
  )
})

test('a family without samples is left out', () => {
  expect(renderText([family({ samples: [] })])).toBe('')
})

test('backslash, quote and line feed are escaped in label values', () => {
  const samples = [{ labels: { app: 'a\\b"c\nd' }, value: 1 }]
  expect(renderText([family({ samples })])).toContain('x_total{app="a\\\\b\\"c\\nd"} 1\n')
})

test('backslash and line feed are escaped in help, quotes are not', () => {
  expect(renderText([family({ help: 'a\\b"c\nd' })])).toContain('# HELP x_total a\\\\b"c\\nd\n')
})
