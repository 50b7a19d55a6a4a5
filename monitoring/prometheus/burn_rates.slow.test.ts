/** Each window of the burn rates fires at its time and at its limits, in stories that last for days. */

import { describe, expect, test } from 'bun:test'
import { objectives } from '../objectives.ts'
import { burnRates } from '../rules/burn_rates.ts'
import { render } from '../rules/files.ts'
import { stack } from '../stack.ts'
import { isPromtoolExpected, promtools } from './promtool.ts'
import { burnCases, burnStories, stepMinutes } from './testdata/burn.ts'
import { SCRAPE_SECONDS } from './testdata/series.ts'
import { burnTestOf, ruleFileOf, runCases, testOf } from './testing_cases.ts'

const slowMs = 900_000

// One promtool is enough: both take the same files in alerts.slow.test.ts, and these tests take long.
describe.skipIf(!isPromtoolExpected)('burn rates', () => {
  test.each(objectives.map((objective) => [objective.alert, objective] as const))(
    'every window of %s fires at its time',
    async (alert, objective) => {
      // The windows of all objectives are made by the same code: the first one is tested in every story.
      const stories =
        objective === objectives[0]
          ? burnStories
          : burnStories.filter(({ calmHours, minutes }) => calmHours * 60 + minutes < 30 * 60)
      const tests = stories.map((story) => burnTestOf(story, objective))
      // The rules of the other objectives would take as much time again.
      using rules = ruleFileOf(render(burnRates(stack, [objective])))
      expect(await runCases(promtools[0]!, [rules.path], `${stepMinutes.rules}m`, tests)).toContain('SUCCESS')
    },
    slowMs,
  )

  test.each(objectives.map((objective) => [objective.alert, objective] as const))(
    'every window of %s fires just above its limits after its wait, and not just below',
    async (alert, objective) => {
      const file = burnRates(stack, [objective])
      // The recordings are given as series.
      const groups = file.groups.filter(({ name }) => name === 'burn_rates')
      using rules = ruleFileOf(render({ ...file, groups }))
      const tests = burnCases(objective).map((each) => testOf(alert, each))
      expect(await runCases(promtools[0]!, [rules.path], `${SCRAPE_SECONDS}s`, tests)).toContain('SUCCESS')
    },
    slowMs,
  )
})
