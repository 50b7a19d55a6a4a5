/** All rules on the series of a whole stack: calm that looks like trouble raises no alert, and trouble only its own. */

import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { isPromtoolExpected, promtool, promtools } from './promtool.ts'
import { groupsIn, ruleFiles } from './rules.ts'
import { SCRAPE_SECONDS } from './testdata/series.ts'
import { calmProcesses } from './testdata/calm_processes.ts'
import { calmTraffic } from './testdata/calm_traffic.ts'
import { type CalmStory, tell } from './testdata/stories.ts'
import { trouble } from './testdata/trouble.ts'

const SLOW_MS = 300_000
/** Alerts read what red.yml and objectives.yml record. */
const first = ['red', 'objectives']
const files = [...ruleFiles].toSorted((a, b) => first.indexOf(nameOf(b)) - first.indexOf(nameOf(a)))
const groups = await groupsIn(files)

// One promtool is enough: both take the same files in alerts.slow.test.ts, and these tests take long.
describe.skipIf(!isPromtoolExpected)('all rules', () => {
  test.each([...calmTraffic, ...calmProcesses].map((story) => [story.claim, story] as const))(
    'no alert: %s',
    async (_, story) => expect(await fired(story)).toEqual([]),
    SLOW_MS,
  )

  test.each(trouble.map((story) => [story.claim, story] as const))(
    'only its own alerts: %s',
    async (_, story) => expect(await fired(story)).toEqual([...story.fires]),
    SLOW_MS,
  )
})

/** The alerts that fired at any time in a story, Watchdog excepted: `<alert> <severity>`. */
async function fired(story: CalmStory): Promise<string[]> {
  const stack = tell(story)
  const folder = mkdtempSync(join(tmpdir(), 'stories-'))
  const query =
    'count by (alertname, severity) (count_over_time(ALERTS{alertstate="firing", alertname!="Watchdog"}[1d]))'
  const content = {
    rule_files: files,
    group_eval_order: groups,
    evaluation_interval: `${SCRAPE_SECONDS}s`,
    tests: [
      {
        interval: `${SCRAPE_SECONDS}s`,
        input_series: Object.entries(stack.series).map(([series, values]) => ({ series, values })),
        // A query that fails shows its result.
        promql_expr_test: [
          { expr: query, eval_time: `${stack.now}s`, exp_samples: [{ labels: '{wrong="yes"}', value: 1 }] },
        ],
      },
    ],
  }
  await Bun.write(join(folder, 'test.yml'), JSON.stringify(content))
  const { output } = await promtool(promtools[0]!, 'test', 'rules', join(folder, 'test.yml'))
  rmSync(folder, { recursive: true })
  if (!output.includes('got:')) throw new Error(output)
  const got = output.slice(output.indexOf('got:'))
  return [...got.matchAll(/alertname="(\w+)", severity="(\w+)"/g)]
    .map(([, name, severity]) => `${name} ${severity}`)
    .toSorted()
}

function nameOf(file: string): string {
  return basename(file, '.yml')
}
