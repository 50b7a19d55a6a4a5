/** Asks promtool many queries about a world at once. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promtool, promtools } from '../prometheus/promtool.ts'
import { inputOf } from '../prometheus/testing_cases.ts'
import type { World } from './world.ts'

/** Above so many series an answer is their number and their sum. */
const LISTED = 4

/** The answer to each query in a few words: series with their values, `nothing`, or an error. */
export async function ask(world: World, queries: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ask-'))
  const path = join(folder, 'test.yml')
  // No query returns this, so promtool prints what each returns.
  const exp_samples = [{ labels: '{wrong="yes"}', value: 1 }]
  const eval_time = `${world.atSeconds}s`
  const content = {
    evaluation_interval: `${world.stepSeconds}s`,
    tests: [
      {
        interval: `${world.stepSeconds}s`,
        input_series: inputOf(world.series),
        promql_expr_test: queries.map((expr) => ({ expr, eval_time, exp_samples })),
      },
    ],
  }
  await Bun.write(path, JSON.stringify(content))
  const { output } = await promtool(promtools[0]!, 'test', 'rules', path)
  rmSync(folder, { recursive: true })
  const answers = output
    .split(/^ +expr: "/m)
    .slice(1)
    .map((text) => {
      const got = /^ +got: ?(.*)$/ms.exec(text)?.[1]
      return got === undefined ? 'an error' : summaryOf(got)
    })
  if (answers.length !== queries.length) throw new Error(output.slice(0, 2000))
  return answers
}

function summaryOf(got: string): string {
  const samples = [...got.matchAll(/([\w:]*\{[^}]*\}) ([-+\w.]+)/g)]
    .map(([, labels, value]) => `${labels} ${rounded(Number(value))}`)
    .toSorted()
  if (samples.length === 0) return 'nothing'
  if (samples.length <= LISTED) return samples.join(', ')
  const sum = samples.map((each) => Number(each.slice(each.lastIndexOf(' ') + 1))).reduce((a, b) => a + b, 0)
  return `${samples.length} series, sum ${rounded(sum)}, first ${samples[0]}`
}

const rounded = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value)
