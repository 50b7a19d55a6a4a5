/**
 * Each alert fires on its case with its texts, and stays silent on a case that is close: `promtool test rules` on tables. The windows
 * of burn rates are in burn_rates.slow.test.ts.
 */

import { describe, expect, test } from 'bun:test'
import { basename, join } from 'node:path'
import { dashboards } from '../dashboards.ts'
import { objectives } from '../objectives.ts'
import { isPromtoolExpected, promtools } from './promtool.ts'
import { alertRules, firingOf, recordingRules, ruleFiles } from './rules.ts'
import { alertCases } from './testdata/alerts.ts'
import { of, perSecond, SCRAPE_SECONDS } from './testdata/series.ts'
import { inputOf, ruleFileOf, ruleOf, runCases, testOf, withOneAlert, withRed } from './testing_cases.ts'

const runbooks = await Promise.all(
  [...new Bun.Glob('*.md').scanSync(join(import.meta.dir, '../runbooks'))].map((name) =>
    Bun.file(join(import.meta.dir, '../runbooks', name)).text(),
  ),
)
const slowMs = 600_000
const count = 'http_server_request_duration_seconds_count'
const ruleFile = (name: string) => `${import.meta.dir}/rules/${name}.yml`

test('every alert has a case in which it fires and one in which it does not', () => {
  const names = [...new Set(alertRules.map(({ alert }) => alert))]
  const proven = [...Object.keys(alertCases), ...objectives.map(({ alert }) => alert), 'Watchdog']
  expect(names.toSorted()).toEqual(proven.toSorted())
  for (const [alert, cases] of Object.entries(alertCases)) {
    const looks = cases.flatMap((each) => Object.values(each.looks))
    expect([alert, looks.some((firing) => firing.length > 0)]).toEqual([alert, true])
    expect([alert, looks.some((firing) => firing.length === 0)]).toEqual([alert, true])
  }
})

test('every rule of an alert fires in a case', () => {
  const fired = new Set(
    Object.entries(alertCases).flatMap(([alert, cases]) =>
      cases.flatMap(({ looks }) => Object.values(looks).flat()).map((firing) => ruleOf(alert, firing)),
    ),
  )
  const others = new Set([...objectives.map(({ alert }) => alert), 'Watchdog'])
  expect(alertRules.filter((rule) => !others.has(rule.alert) && !fired.has(rule))).toEqual([])
})

test('every alert has the label `app`, by which Alertmanager groups messages', () => {
  for (const rule of alertRules) {
    const firing = Object.values(alertCases[rule.alert] ?? []).flatMap(({ looks }) =>
      Object.values(looks).flat(),
    )
    const labels = firing.find((each) => ruleOf(rule.alert, each) === rule)?.labels ?? { job: 'gateway' }
    expect(firingOf(rule, labels).exp_labels['app']).toMatch(/^(gateway|dogs|cats|exporter|prometheus|node)$/)
  }
})

test('these alerts page: a person is woken by no other', () => {
  const paging = alertRules.filter(({ labels }) => labels['severity'] === 'page').map(({ alert }) => alert)
  expect([...new Set(paging)].toSorted()).toEqual([
    'AppDown',
    'DatabaseAway',
    'DiskFull',
    'EdgeErrorBudgetBurn',
    'EdgeLatencyBudgetBurn',
    'NoWorkerReady',
    'PrometheusStorageFailing',
    'TargetMissing',
    'UpstreamDown',
    'WorkerCrashLooping',
  ])
})

test('every alert has a severity, a summary, a description, a runbook and a dashboard', () => {
  const uids = dashboards.map(({ uid }) => uid!)
  for (const { alert, labels, annotations } of alertRules) {
    expect(['page', 'ticket', 'none']).toContain(labels.severity!)
    expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook_url', 'dashboard_url'])
    expect(runbooks.filter((page) => page.includes(`\n## ${alert}\n`))).toHaveLength(1)
    expect(uids).toContain(/\/d\/([\w-]+)/.exec(annotations.dashboard_url)![1]!)
  }
})

describe.skipIf(!isPromtoolExpected).each(promtools)('%s', (program) => {
  // Before Prometheus 3.0 a range has one sample more, so that some alerts begin one evaluation earlier.
  const isExact = program === promtools[0]

  test.each(ruleFiles.map((file) => [basename(file), file]))(
    'alerts of %s fire in their cases at their time with their texts, and not close to it',
    async (_, file) => {
      const ofFile = Object.entries(alertCases).filter(([alert]) =>
        alertRules.some((rule) => rule.alert === alert && rule.file === file),
      )
      for (const [alert, cases] of ofFile) {
        using rules = ruleFileOf(await withOneAlert(file, alert))
        const tests = cases.map((each) => testOf(alert, each, isExact))
        const files = await withRed(ruleFile('red'), rules.path)
        expect(await runCases(program, files, `${SCRAPE_SECONDS}s`, tests)).toContain('SUCCESS')
      }
    },
    slowMs,
  )

  test.each([
    ['EdgeErrorBudgetBurn', { 'a b': ['500', 3, 0], dogs: ['502', 1, 0], cats: ['200', 0, 9] }],
    // The slowest route has few requests.
    ['EdgeLatencyBudgetBurn', { 'a b': ['200', 3, 6], dogs: ['200', 1, 0], cats: ['200', 0, 9] }],
  ] as const)(
    'the link of %s opens the route with the most bad requests',
    async (alert, routes) => {
      const series = Object.entries(routes).flatMap(
        ([http_route, [http_response_status_code, slow, fast]]) => {
          const labels = { job: 'gateway', instance: 'a:1', http_route, http_response_status_code }
          return [
            [of(count, labels), perSecond(slow + fast)],
            [of(count.replace('_count', '_bucket'), labels, { le: '0.25' }), perSecond(fast)],
            [of(count.replace('_count', '_bucket'), labels, { le: '+Inf' }), perSecond(slow + fast)],
          ]
        },
      )
      const wrong = { claim: 'a link', series: Object.fromEntries(series), looks: { '10m': [] } }
      const output = await runCases(program, ['red', 'objectives'].map(ruleFile), '10s', [
        testOf(alert, wrong),
      ])
      expect(output).toContain('/d/gateway?var-route=a+b"')
    },
    slowMs,
  )

  test(
    'a missed scrape counts no old value, at any time of an evaluation',
    async () => {
      const instance = { job: 'dogs', instance: 'a:1' }
      const missed = (value: number) => `${value}x59 stale ${value}x60`
      const series = {
        [of('up', instance)]: '1x59 0 1x60',
        [of('process_start_time_seconds', instance)]: '-9000x59 stale -9000x60',
        [of('db_client_operation_errors_total', instance, { error_type: 'SQLITE_FULL' })]: missed(50),
        [of(count, instance, { http_response_status_code: '500' })]: missed(5000),
      }
      // Groups were evaluated last at 840 s, before the scrape at 600 s was missed as seen from five minutes later.
      const test = {
        interval: `${SCRAPE_SECONDS}s`,
        input_series: inputOf(series),
        promql_expr_test: [
          { expr: ruleOf('DiskFull', { labels: {} }).expr, eval_time: '905s', exp_samples: [] },
          {
            expr: recordingRules.find(({ record }) => record === 'job:http_requests:rate5m')!.expr,
            eval_time: '905s',
            exp_samples: [{ labels: '{job="dogs"}', value: 0 }],
          },
        ],
      }
      const output = await runCases(program, ['red', 'services'].map(ruleFile), '70s', [test])
      expect(output).toContain('SUCCESS')
    },
    slowMs,
  )
})
