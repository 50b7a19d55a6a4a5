/** For tests of panels: their queries on fixed series, evaluated by promtool. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dashboards } from '../dashboards.ts'
import { promtool } from '../prometheus/promtool.ts'
import type { Series } from '../prometheus/testdata/series.ts'
import { withVariables } from './queries.ts'

export const gateway = { job: 'gateway', instance: 'gateway:1' }
export const dogs = { job: 'dogs', instance: 'dogs:1' }
export const exported = {
  job: 'exporter',
  instance: 'exporter:1',
  app: 'dogs',
  target: 'http://dogs:1/stats',
}

export type ValueCase = {
  dashboard: string
  panel: string
  /** The first query by default. */
  query?: number
  claim: string
  series: Series
  chosen?: Readonly<Record<string, string>>
  /** Values by labels; none for no series. */
  expected: Readonly<Record<string, number>>
}

type PanelJson = { title: string; targets?: { expr: string }[]; panels?: PanelJson[] }

function exprOf({ dashboard, panel, query = 0, chosen = {} }: ValueCase): string {
  const { panels = [] } = dashboards.find(({ uid }) => uid === dashboard) as unknown as {
    panels?: PanelJson[]
  }
  const inRows = panels.flatMap((each) => each.panels ?? [])
  const found = [...panels, ...inRows].find(({ title }) => title === panel)
  return withVariables(found!.targets![query]!.expr, chosen)
}

/** What promtool prints about a case. For promtool NaN is not NaN: then it counts the values that are not equal to themselves. */
export async function outputOf(program: string, each: ValueCase): Promise<string> {
  const expr = exprOf(each)
  const expected = Object.entries(each.expected)
  const isNaNs = expected.some(([, value]) => Number.isNaN(value))
  const folder = mkdtempSync(join(tmpdir(), 'values-'))
  const content = {
    tests: [
      {
        interval: '10s',
        input_series: Object.entries(each.series).map(([series, values]) => ({ series, values })),
        promql_expr_test: [
          {
            expr: isNaNs ? `count((${expr}) != (${expr}))` : `round(${expr}, 0.0001)`,
            eval_time: '10m',
            exp_samples: expected.map(([labels, value]) => ({ labels, value: isNaNs ? 1 : value })),
          },
        ],
      },
    ],
  }
  await Bun.write(join(folder, 'test.yml'), JSON.stringify(content))
  const { output } = await promtool(program, 'test', 'rules', join(folder, 'test.yml'))
  rmSync(folder, { recursive: true })
  return output
}
