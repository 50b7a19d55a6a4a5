/** Each alert fires on its case with its texts, and stays silent on a case that is close: `promtool test rules` on tables. */

import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { dashboards } from '../dashboards.ts'
import { objectives } from '../objectives.ts'
import { burnRates } from '../rules/burn_rates.ts'
import { render } from '../rules/files.ts'
import { stack } from '../stack.ts'
import { isPromtoolExpected, promtool, promtools } from './promtool.ts'
import { alertRules, firingOf, groupsIn, ruleFiles } from './rules.ts'
import { alertCases } from './testdata/alerts.ts'
import { type AlertCase, type Firing, of, perSecond, SCRAPE_SECONDS, type Series } from './testdata/series.ts'
import { burnStories, minutesOf, seriesOf, stepMinutes } from './testdata/burn.ts'

const runbooks = await Promise.all(
  [...new Bun.Glob('*.md').scanSync(join(import.meta.dir, '../runbooks'))].map((name) =>
    Bun.file(join(import.meta.dir, '../runbooks', name)).text(),
  ),
)
const slowMs = 120_000
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
  test.each(ruleFiles.map((file) => [basename(file), file]))(
    'alerts of %s fire in their cases at their time with their texts, and not close to it',
    async (_, file) => {
      const tests = Object.entries(alertCases)
        .filter(([alert]) => alertRules.some((rule) => rule.alert === alert && rule.file === file))
        .flatMap(([alert, cases]) => cases.map((each) => testOf(alert, each)))
      const readsRed = /\b(job|instance):/.test(await Bun.file(file).text())
      const red = readsRed ? [ruleFile('red')] : []
      await passes([...new Set([...red, file])], `${SCRAPE_SECONDS}s`, tests)
    },
    slowMs,
  )

  test.each(objectives.map((objective) => [objective.alert, objective] as const))(
    'every window of %s fires at its time',
    async (alert, objective) => {
      // The windows of all objectives are made by the same code: the first one is tested in every story.
      const stories =
        objective === objectives[0]
          ? burnStories
          : burnStories.filter(({ calmHours, minutes }) => calmHours * 60 + minutes < 30 * 60)
      const tests = stories.map((story) => ({
        name: `${alert}: ${story.claim}`,
        interval: `${60 * stepMinutes.values}s`,
        input_series: inputOf(seriesOf(story, objective)),
        promql_expr_test: [
          {
            expr: `count by (window) (ALERTS{alertname="${alert}", alertstate="firing"})`,
            eval_time: `${minutesOf(story)}m`,
            exp_samples: story.windows.map((window) => ({ labels: `{window="${window}"}`, value: 1 })),
          },
        ],
      }))
      // The rules of the other objectives would take as much time again.
      const folder = mkdtempSync(join(tmpdir(), 'objective-'))
      const file = join(folder, 'objective.yml')
      await Bun.write(file, render(burnRates(stack, [objective])))
      await passes([file], `${stepMinutes.rules}m`, tests)
      rmSync(folder, { recursive: true })
    },
    slowMs,
  )

  test('the link of a burn rate opens the route with the most bad requests', async () => {
    const route = (http_route: string, status: string, rate: number) => ({
      [of(count, { job: 'gateway', instance: 'a:1', http_route, http_response_status_code: status })]:
        perSecond(rate),
    })
    const series = {
      ...route('dogs', '502', 1),
      ...route('dogs', '200', 99),
      ...route('a b', '500', 3),
      ...route('cats', '200', 1),
    }
    const output = await run(['red', 'objectives'].map(ruleFile), '10s', [
      testOf('EdgeErrorBudgetBurn', { claim: 'a link', series, looks: { '10m': [] } }),
    ])
    expect(output).toContain('/d/gateway?var-route=a+b"')
  })

  async function passes(rule_files: string[], evaluation_interval: string, tests: object[]): Promise<void> {
    expect(await run(rule_files, evaluation_interval, tests)).toContain('SUCCESS')
  }

  /** What promtool prints. */
  async function run(rule_files: string[], evaluation_interval: string, tests: object[]): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'rules-test-'))
    const file = join(folder, 'test.yml')
    const group_eval_order = await groupsIn(rule_files)
    await Bun.write(file, JSON.stringify({ rule_files, group_eval_order, evaluation_interval, tests }))
    const { output } = await promtool(program, 'test', 'rules', file)
    rmSync(folder, { recursive: true })
    return output
  }
})

const inputOf = (series: Series) => Object.entries(series).map(([name, values]) => ({ series: name, values }))

function testOf(alertname: string, { claim, series, looks }: AlertCase) {
  return {
    name: `${alertname}: ${claim}`,
    interval: `${SCRAPE_SECONDS}s`,
    input_series: inputOf(series),
    alert_rule_test: Object.entries(looks).map(([eval_time, firing]) => ({
      eval_time,
      alertname,
      exp_alerts: firing.map((each) => firingOf(ruleOf(alertname, each), each.labels, each.value)),
    })),
  }
}

function ruleOf(alertname: string, { severity }: Firing) {
  const rules = alertRules.filter(({ alert }) => alert === alertname)
  return rules.find(({ labels }) => severity === undefined || labels['severity'] === severity)!
}
