/** For tests of rules: cases as `promtool test rules` reads them. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Objective } from '../rules/objective.ts'
import { promtool } from './promtool.ts'
import { type AlertRule, alertRules, firingOf, groupsIn } from './rules.ts'
import { type BurnStory, minutesOf, seriesOf, stepMinutes } from './testdata/burn.ts'
import { type AlertCase, type Firing, SCRAPE_SECONDS, type Series } from './testdata/series.ts'

/** A rule file for one test. */
export function ruleFileOf(text: string): Disposable & { path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'))
  const path = join(folder, 'rules.yml')
  writeFileSync(path, text)
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

/** What promtool prints about tests of rule files. */
export async function runCases(
  program: string,
  rule_files: readonly string[],
  evaluation_interval: string,
  tests: readonly object[],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rules-test-'))
  const file = join(folder, 'test.yml')
  const group_eval_order = await groupsIn(rule_files)
  await Bun.write(file, JSON.stringify({ rule_files, group_eval_order, evaluation_interval, tests }))
  const { output } = await promtool(program, 'test', 'rules', file)
  rmSync(folder, { recursive: true })
  return output
}

/** A rule file with its recordings and one of its alerts: the others would be evaluated in every case, too. */
export async function withOneAlert(file: string, alert: string): Promise<string> {
  const { groups } = Bun.YAML.parse(await Bun.file(file).text()) as {
    groups: { rules: { alert?: string }[] }[]
  }
  for (const group of groups)
    group.rules = group.rules.filter((rule) => rule.alert === undefined || rule.alert === alert)
  return JSON.stringify({ groups: groups.filter(({ rules }) => rules.length > 0) })
}

/** The files that a rule file is tested with: it may read what red.yml records. */
export async function withRed(red: string, file: string): Promise<string[]> {
  const readsRed = /\b(job|job_route|instance):/.test(await Bun.file(file).text())
  return readsRed ? [...new Set([red, file])] : [file]
}

/** @param isExact whether the seconds at which the alert begins and ends are tested, and not only its looks */
export function testOf(
  alertname: string,
  { claim, series, looks, fires }: AlertCase,
  isExact = true,
): object {
  const expr = `max(ALERTS{alertname="${alertname}", alertstate="firing"})`
  const [from, until] = (isExact && fires) || []
  const turns = [from, until].filter((seconds) => seconds !== undefined)
  return {
    name: `${alertname}: ${claim}`,
    interval: `${SCRAPE_SECONDS}s`,
    input_series: inputOf(series),
    alert_rule_test: Object.entries(looks).map(([eval_time, firing]) => ({
      eval_time,
      alertname,
      exp_alerts: firing.map((each) => firingOf(ruleOf(alertname, each), each.labels, each.value)),
    })),
    promql_expr_test: turns.flatMap((seconds, index) =>
      [seconds - SCRAPE_SECONDS, seconds].map((at, side) => ({
        expr,
        eval_time: `${at}s`,
        exp_samples: side === index ? [] : [{ labels: '{}', value: 1 }],
      })),
    ),
  }
}

/** The windows that fire at the end of a story. */
export const burnTestOf = (story: BurnStory, objective: Objective): object => ({
  name: `${objective.alert}: ${story.claim}`,
  interval: `${60 * stepMinutes.values}s`,
  input_series: inputOf(seriesOf(story, objective)),
  promql_expr_test: [
    {
      expr: `count by (window) (ALERTS{alertname="${objective.alert}", alertstate="firing"})`,
      eval_time: `${minutesOf(story)}m`,
      exp_samples: story.windows.map((window) => ({ labels: `{window="${window}"}`, value: 1 })),
    },
  ],
})

export const inputOf = (series: Series): { series: string; values: string }[] =>
  Object.entries(series).map(([name, values]) => ({ series: name, values }))

export function ruleOf(alertname: string, { severity }: Firing): AlertRule {
  const rules = alertRules.filter(({ alert }) => alert === alertname)
  return rules.find(({ labels }) => severity === undefined || labels['severity'] === severity)!
}
