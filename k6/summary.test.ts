import { expect, test } from 'bun:test'
import { type Summary, summaryOf } from './summary.ts'

const summary = (metrics: Summary['metrics'] = {}): Summary => ({
  metrics: {
    http_reqs: { values: { count: 1200, rate: 40 } },
    'http_reqs{op:list}': { values: { count: 1140 } },
    'http_req_duration{op:list}': { values: { med: 1.25, 'p(95)': 3, 'p(99)': 9, max: 20 } },
    'http_req_failed{op:list}': { values: { rate: 0.005 } },
    ...metrics,
  },
  state: { testRunDurationMs: 30_000 },
})
const step = (count: number, ok = true) => ({ values: { count }, thresholds: { 'p(95)<500': { ok } } })

test('an operation has a line with its times and failures', () => {
  const report = summaryOf(summary(), 'smoke')
  expect(report).toContain('smoke: 1200 requests in 30 s, 40 a second')
  expect(report).toMatch(/list +1140 +1\.3 ms +3\.0 ms +9\.0 ms +20\.0 ms +0\.50 %/)
  expect(report).toContain('Every threshold was kept.')
})

test('what was not kept is named', () => {
  expect(
    summaryOf(summary({ checks: { values: {}, thresholds: { 'rate>0.99': { ok: false } } } }), 'smoke'),
  ).toContain('Not kept: checks rate>0.99')
})

test('the breaking point is the step that crossed a threshold of its own, else the last that began', () => {
  const metrics = {
    'http_reqs{step:0100}': step(9),
    'http_reqs{step:0200}': step(9),
    'http_reqs{step:0400}': step(0),
  }
  expect(summaryOf(summary(metrics), 'breakpoint')).toContain('Breaking point: none up to 200 iterations')
  const broken = { ...metrics, 'http_req_duration{step:0200}': step(9, false) }
  // Thresholds are evaluated every two seconds, so the next step may have begun.
  for (const begun of [{}, { 'http_reqs{step:0400}': step(9) }])
    expect(summaryOf(summary({ ...broken, ...begun }), 'breakpoint')).toContain(
      'Breaking point: 200 iterations a second are too many; 100 could be kept. Why: responses took too long.',
    )
  const dropped = {
    ...metrics,
    dropped_iterations: { values: {}, thresholds: { 'count<100': { ok: false } } },
  }
  expect(summaryOf(summary(dropped), 'breakpoint')).toContain(
    'Breaking point: 200 iterations a second are too many; 100 could be kept. Why: iterations had to be left out',
  )
})
