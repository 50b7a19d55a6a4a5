/** Which mutants of alerts the cases of the tests notice: `bun monitoring/testing_mutants/testing_rules.ts [file ...]`. Prints the others. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { objectives } from '../objectives.ts'
import { promtools } from '../prometheus/promtool.ts'
import { burnTestOf, runCases, testOf } from '../prometheus/testing_cases.ts'
import { alertCases } from '../prometheus/testdata/alerts.ts'
import { burnCases, burnStories, stepMinutes } from '../prometheus/testdata/burn.ts'
import { SCRAPE_SECONDS } from '../prometheus/testdata/series.ts'
import { burnRates } from '../rules/burn_rates.ts'
import { render, ruleFiles } from '../rules/files.ts'
import type { RuleFile } from '../rules/rule.ts'
import { stack } from '../stack.ts'
import { alertsIn, type AlertMutant, mutantsOfAlert } from './rules.ts'

export type Survivor = { place: string; rule: string; what: string }
export type Tally = { all: number; survivors: Survivor[] }

type AlertTest = { alert_rule_test?: { alertname: string }[]; promql_expr_test?: { expr: string }[] }

const FOLDER = 'monitoring/prometheus/rules'

/** Rules of all objectives are made by the same code: those of the first one are enough. */
const files: readonly RuleFile[] = ruleFiles(stack, objectives).map((file) =>
  file.name === 'objectives' ? burnRates(stack, objectives.slice(0, 1)) : file,
)

/** @param onSurvivor is called as soon as one is known: the whole run takes minutes */
export async function testAlerts(
  chosen: readonly string[] = [],
  onSurvivor: (survivor: Survivor) => void = () => {},
): Promise<Tally> {
  const tally: Tally = { all: 0, survivors: [] }
  for (const file of files.filter(({ name }) => chosen.length === 0 || chosen.includes(name))) {
    for (const [alert, rules] of alertsIn(file)) {
      if (alert === 'Watchdog') continue
      const isBurn = file.name === 'objectives'
      const step = SCRAPE_SECONDS
      const mutants = mutantsOfAlert(file, rules, step)
      const noticed = new Set<number>()
      if (isBurn) {
        const tests = burnCases(objectives[0]!).map((each) => testOf(alert, each))
        await notice({ ...file, groups: [] }, alert, mutants, tests, `${step}s`, noticed)
        for (const story of burnStories)
          await notice(
            file,
            alert,
            mutants,
            [burnTestOf(story, objectives[0]!)],
            `${60 * stepMinutes.rules}s`,
            noticed,
          )
      } else {
        const tests = (alertCases[alert] ?? []).map((each) => testOf(alert, each))
        await notice(file, alert, mutants, tests, `${step}s`, noticed)
      }
      tally.all += mutants.length
      for (const [index, { line, what }] of mutants.entries()) {
        if (noticed.has(index)) continue
        const survivor = { place: `${FOLDER}/${file.name}.yml:${line}`, rule: alert, what }
        tally.survivors.push(survivor)
        onSurvivor(survivor)
      }
    }
  }
  return tally
}

/** Adds the indices of mutants that fail a test. */
async function notice(
  file: RuleFile,
  alert: string,
  mutants: readonly AlertMutant[],
  tests: readonly AlertTest[],
  interval: string,
  noticed: Set<number>,
): Promise<void> {
  for (;;) {
    const left = [...mutants.keys()].filter((index) => !noticed.has(index))
    if (left.length === 0) return
    const output = await runAll(file, alert, left, mutants, tests, interval)
    const found = [...output.matchAll(new RegExp(`${alert}__(\\d+)`, 'g'))].map(([, index]) => Number(index))
    const isComplete = !/could not parse|, err: /.test(output)
    for (const index of found) noticed.add(index)
    if (isComplete) return
    // A mutant that cannot be evaluated ends the run: the others run again without it.
    if (found.length === 0) throw new Error(output)
  }
}

async function runAll(
  file: RuleFile,
  alert: string,
  indices: readonly number[],
  mutants: readonly AlertMutant[],
  tests: readonly AlertTest[],
  interval: string,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'))
  const nameOf = (index: number) => `${alert}__${index}`
  const rules = indices.flatMap((index) =>
    mutants[index]!.rules.map((rule) => Object.assign({}, rule, { alert: nameOf(index) })),
  )
  const recorded = [...files.find(({ name }) => name === 'red')!.groups, ...file.groups]
    .filter(({ name }) => name !== 'burn_rates')
    .map((group) => Object.assign({}, group, { rules: group.rules.filter((rule) => 'record' in rule) }))
    .filter(({ rules: left }) => left.length > 0)
  const isReadByRules = file.groups.length > 0 && rules.some(({ expr }) => /\b\w+:\w+/.test(expr))
  const groups = [...(isReadByRules ? recorded : []), { name: 'mutants', rules }]
  const path = join(folder, 'mutants.yml')
  await Bun.write(path, render({ name: 'mutants', comment: '', groups }))
  const all = tests.map((test) => ({
    ...test,
    alert_rule_test: test.alert_rule_test?.flatMap((look) =>
      indices.map((index) => ({ ...look, alertname: nameOf(index) })),
    ),
    promql_expr_test: test.promql_expr_test?.flatMap((look) =>
      indices.map((index) => ({ ...look, expr: look.expr.replaceAll(alert, nameOf(index)) })),
    ),
  }))
  const output = await runCases(promtools[0]!, [path], interval, all)
  rmSync(folder, { recursive: true })
  return output
}

if (import.meta.main) {
  const { all, survivors } = await testAlerts(Bun.argv.slice(2), ({ place, rule, what }) =>
    console.log(`${place} ${rule}: ${what}`),
  )
  const share = (100 * (all - survivors.length)) / all
  console.log(`alerts: ${all - survivors.length} of ${all} are noticed (${share.toFixed(1)} %)`)
}
