/** The budget that is left after 30 days, with numbers that are counted by hand. */

import { expect, test } from 'bun:test'
import { objectives } from '../objectives.ts'
import { burnRates } from '../rules/burn_rates.ts'
import { type Objective, seriesOf } from '../rules/objective.ts'
import { stack } from '../stack.ts'
import { isPromtoolExpected, promtools } from './promtool.ts'
import { runCases } from './testing_cases.ts'

const [errors, slow] = objectives as [Objective, Objective]
const HOURS = 30 * 24
const REQUESTS_PER_SECOND = 10

/** The query of the budget that is left, with the query of the recording that it reads. */
function budgetOf(objective: Objective): string {
  const rules = burnRates(stack, [objective]).groups.flatMap((group) => group.rules)
  const exprOf = (name: string) => rules.find((rule) => 'record' in rule && rule.record === name)!.expr
  const ratio = seriesOf(objective, 'ratio_rate30d')
  return exprOf(seriesOf(objective, 'budget_left_30d')).replace(ratio, `(${exprOf(ratio)})`)
}

/** Bad requests per second in some hours in the middle of 30 days, a value each hour. */
const outage = (hours: number, badPerSecond: number): string => {
  const before = `0x${HOURS / 2}`
  return hours === 0 ? `0x${HOURS}` : `${before} ${badPerSecond}x${hours - 1} 0x${HOURS / 2 - hours - 1}`
}

type Case = [claim: string, objective: Objective, hours: number, badPerSecond: number, left: number]
const cases: readonly Case[] = [
  ['no bad request: all of it', errors, 0, 0, 1],
  // 18,000 of 25,920,000 requests are 0.0694 %, of 0.1 % allowed.
  ['an hour in which half of all requests fail', errors, 1, 5, 0.3056],
  // 108,000 are 0.4167 %: four times the budget.
  ['three hours in which all fail: more than all of it is spent', errors, 3, 10, -3.1667],
  ['the same hour with an objective of 99 %', { ...errors, target: 0.99 }, 1, 5, 0.9306],
  ['the other objective: an hour in which half of all requests are slow', slow, 1, 5, 0.9306],
]

// An older Prometheus takes both ends of a range, so that it has a sample more.
test.skipIf(!isPromtoolExpected).each(cases)('%s', async (_, objective, hours, badPerSecond, left) => {
  const series = {
    'edge:http_requests:rate5m{job="gateway"}': `${REQUESTS_PER_SECOND}x${HOURS}`,
    [`${seriesOf(objective, 'rate5m')}{job="gateway"}`]: outage(hours, badPerSecond),
  }
  const output = await runCases(promtools[0]!, [], '1h', [
    {
      interval: '1h',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: `round(${budgetOf(objective)}, 0.0001)`,
          eval_time: `${HOURS}h`,
          exp_samples: [{ labels: '{job="gateway"}', value: left }],
        },
      ],
    },
  ])
  expect(output).toContain('SUCCESS')
})
