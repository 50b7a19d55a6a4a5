/** Each alert fires on its case with its texts, and stays silent on a case that is close: `promtool test rules` on tables. */

import { describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { dashboards } from '../grafana/dashboards.ts'
import { isPromtoolExpected, promtool, promtools } from './promtool.ts'
import { alertRules, firing, ruleFiles } from './rules.ts'
import { alertCases } from './testdata/alerts.ts'
import type { Series } from './testdata/series.ts'
import { burnStories, minutesOf, objectives, seriesOf, stepMinutes } from './testdata/burn.ts'

const ROOT = join(import.meta.dir, '../..')
const slowMs = 120_000

test('every alert has a case that fires and one that must not', () => {
  const proven = [...Object.keys(alertCases), ...objectives.map(({ alert }) => alert), 'Watchdog']
  expect([...new Set(alertRules.map(({ alert }) => alert))].toSorted()).toEqual(proven.toSorted())
})

test('every alert has the label `app`, by which Alertmanager groups messages', () => {
  const apps = alertRules.map((rule) => firing(rule, alertCases[rule.alert]?.labels ?? {}).exp_labels['app'])
  expect(apps).toEqual(
    Array(alertRules.length).fill(expect.stringMatching(/^(gateway|dogs|cats|exporter|prometheus)$/)),
  )
})

test('every alert has a severity, a summary, a description, a runbook and a dashboard', async () => {
  const uids = dashboards.map(({ uid }) => uid!)
  for (const { alert, labels, annotations } of alertRules) {
    expect(['page', 'ticket', 'none']).toContain(labels.severity!)
    expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook_url', 'dashboard_url'])
    const [page, anchor] = annotations.runbook_url.split('#')
    expect(existsSync(join(ROOT, page!))).toBe(true)
    expect(anchor).toBe(alert.toLowerCase())
    expect(await Bun.file(join(ROOT, page!)).text()).toMatch(new RegExp(`^## ${alert}$`, 'm'))
    expect(uids).toContain(/\/d\/([\w-]+)/.exec(annotations.dashboard_url)![1]!)
  }
})

describe.skipIf(!isPromtoolExpected).each(promtools)('%s', (program) => {
  test.each(ruleFiles.map((file) => [basename(file), file]))(
    'alerts of %s fire on their case with their texts, and not on a case that is close',
    async (_, file) => {
      const tests = alertRules
        .filter((rule) => rule.file === file && alertCases[rule.alert] !== undefined)
        .flatMap((rule) => {
          const { alert } = rule
          const { fires, quiet, at = '15m', labels, value } = alertCases[alert]!
          return [
            testOf(`${alert} fires`, fires, at, alert, [firing(rule, labels, value)]),
            testOf(`${alert} stays silent`, quiet, at, alert, []),
          ]
        })
      // Some alerts read series that red.yml records.
      await passes([...new Set([`${import.meta.dir}/rules/red.yml`, file])], '30s', tests)
    },
    slowMs,
  )

  test.each(objectives.map((objective) => [objective.alert, objective] as const))(
    'every window of %s fires at its time',
    async (alert, objective) => {
      const tests = burnStories.map((story) => ({
        name: `${alert}: ${story.claim}`,
        interval: `${stepMinutes.values}m`,
        input_series: inputOf(seriesOf(story, objective)),
        promql_expr_test: [
          {
            expr: `count by (window) (ALERTS{alertname="${alert}", alertstate="firing"})`,
            eval_time: `${minutesOf(story)}m`,
            exp_samples: story.windows.map((window) => ({ labels: `{window="${window}"}`, value: 1 })),
          },
        ],
      }))
      await passes([`${import.meta.dir}/rules/objectives.yml`], `${stepMinutes.rules}m`, tests)
    },
    slowMs,
  )

  async function passes(rule_files: string[], evaluation_interval: string, tests: object[]): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'rules-test-'))
    const file = join(folder, 'test.yml')
    // Without this promtool evaluates groups in any order, and an alert may read recordings of the round before.
    const group_eval_order = rule_files.map((path) => basename(path, '.yml'))
    await Bun.write(file, JSON.stringify({ rule_files, group_eval_order, evaluation_interval, tests }))
    const result = await promtool(program, 'test', 'rules', file)
    rmSync(folder, { recursive: true })
    expect(result).toEqual({ exitCode: 0, output: expect.stringContaining('SUCCESS') })
  }
})

const inputOf = (series: Series) => Object.entries(series).map(([name, values]) => ({ series: name, values }))

function testOf(name: string, series: Series, eval_time: string, alertname: string, exp_alerts: object[]) {
  return {
    name,
    interval: '10s',
    input_series: inputOf(series),
    alert_rule_test: [{ eval_time, alertname, exp_alerts }],
  }
}
