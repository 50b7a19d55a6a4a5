/**
 * Mutants of alerts: their expressions, and how long they wait. All mutants of an alert stand in one rule file under names of
 * their own, so that promtool evaluates them together. Mutants of recordings are in expressions.ts.
 */

import type { Alert, Group, Recording, RuleFile } from '../rules/rule.ts'
import { render } from '../rules/files.ts'
import { mutantsOf } from './promql.ts'

export type AlertMutant = {
  /** Line of the fault in the rule file. */
  line: number
  what: string
  /** All rules of the name, one of them with the fault. */
  rules: readonly Alert[]
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** The alerts of a file by name. */
export function alertsIn({ groups }: RuleFile): Map<string, Alert[]> {
  const alerts = groups.flatMap(({ rules }) => rules).filter((rule): rule is Alert => 'alert' in rule)
  return Map.groupBy(alerts, ({ alert }) => alert)
}

/**
 * All mutants of the alerts of one name.
 * @param stepSeconds between two evaluations: an alert that waits one step more or less must be noticed
 */
export function mutantsOfAlert(file: RuleFile, alerts: readonly Alert[], stepSeconds: number): AlertMutant[] {
  const text = render(file)
  return alerts.flatMap((rule, index) =>
    changesOf(rule, stepSeconds).map(({ what, changed }) => ({
      line: lineOf(text, render(replaced(file, rule, changed))),
      what,
      rules: alerts.with(index, changed),
    })),
  )
}

/** The first line that differs. */
export function lineOf(text: string, changed: string): number {
  const before = text.split('\n')
  return changed.split('\n').findIndex((line, index) => line !== before[index]) + 1
}

export const replaced = (file: RuleFile, rule: Recording | Alert, by: Recording | Alert): RuleFile => ({
  ...file,
  groups: file.groups.map((group): Group => ({
    ...group,
    rules: group.rules.map((each) => (each === rule ? by : each)),
  })),
})

function changesOf(rule: Alert, stepSeconds: number): { what: string; changed: Alert }[] {
  const waits = secondsOf(rule.for)
  const fors = [waits - stepSeconds, waits + stepSeconds].filter((seconds) => seconds >= 0)
  return [
    ...mutantsOf(rule.expr).map(({ what, expr }) => ({ what, changed: Object.assign({}, rule, { expr }) })),
    ...fors.map((seconds) => ({
      what: `for: ${rule.for ?? '0s'} -> ${seconds}s`,
      changed: Object.assign({}, rule, { for: `${seconds}s` }),
    })),
  ]
}

function secondsOf(duration = '0s'): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(duration)!
  return Number(count) * UNITS[unit!]!
}
