/** Every query of the dashboards and every expression that is recorded, each with the worlds that it is asked about. */

import { dashboardsOf } from '../grafana/dashboards.ts'
import { besidesOf, withVariables } from '../grafana/queries.ts'
import { objectives } from '../objectives.ts'
import { ruleFiles } from '../rules/files.ts'
import type { Recording } from '../rules/rule.ts'
import { stack as ours } from '../stack.ts'
import { ask } from './ask.ts'
import { days, minutes, type World } from './world.ts'

export type Expression = {
  name: string
  expr: string
  /** Values of the variables, by world: "All", and one choice of each. */
  asked: readonly { world: World; chosen: Readonly<Record<string, string>> }[]
}

type PanelJson = { title: string; targets?: { expr?: string; refId: string }[]; panels?: PanelJson[] }

/** One choice of every variable. */
const CHOICE = { $job: 'dogs', $instance: 'dogs:1', $gateway: 'a:1', $route: 'dogs', $shape: 'ramp' }
/** The gateway chosen: panels of the edge beside those of services. */
const EDGE = { $job: 'gateway', $instance: 'b:1' }

const now = minutes()
const quiet = minutes(true)
const worlds = [now, quiet, days(5, 300), days(120, 800)]

/** The services of the worlds. */
const stack = { ...ours, services: ['dogs', 'cats'] }

export const queries: readonly Expression[] = dashboardsOf(stack, objectives).flatMap((dashboard) => {
  const panels = (dashboard.panels ?? []) as unknown as PanelJson[]
  const all = panels.concat(panels.flatMap((panel) => panel.panels ?? []))
  const asked = [
    ...[{}, CHOICE, EDGE].map((chosen) => ({ world: now, chosen })),
    { world: quiet, chosen: {} },
  ]
  return all
    .flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ expr, refId }) =>
        expr === undefined ? [] : [{ name: `${dashboard.uid} / ${title} / ${refId}`, expr, asked }],
      ),
    )
    .concat(
      dashboard.uid === 'gateway'
        ? besidesOf(dashboard).map((expr, index) => ({
            name: `gateway / besides panels / ${index}`,
            expr,
            asked,
          }))
        : [],
    )
})

const isOverDays = (record: string) => record.startsWith('edge:slo_errors:')

/** Ratios of all objectives are made by the same code: those of the first one are enough. */
const isRepeated = (record: string) => /^edge:slo_slow:(ratio|budget)/.test(record)

export const recordings: readonly Expression[] = ruleFiles(stack, objectives).flatMap(({ name, groups }) =>
  groups
    .flatMap(({ rules }) => rules)
    .filter((rule): rule is Recording => 'record' in rule && !isRepeated(rule.record))
    .map(({ record, expr }) => ({
      name: `${name} / ${record}`,
      expr,
      asked: (isOverDays(record) ? worlds : [now, quiet]).map((world) => ({ world, chosen: {} })),
    })),
)

/** What each expression returns, by world and choice, in the order in which they are asked. */
export async function answersTo(
  expressions: readonly Pick<Expression, 'expr' | 'asked'>[],
): Promise<string[][]> {
  const answers: string[][] = expressions.map(() => [])
  for (const world of worlds) {
    const asked = expressions.flatMap(({ expr, asked: all }, index) =>
      all.flatMap(({ world: of, chosen }, at) =>
        of === world ? [{ index, at, query: withVariables(expr, chosen) }] : [],
      ),
    )
    const got =
      asked.length === 0
        ? []
        : await ask(
            world,
            asked.map(({ query }) => query),
          )
    for (const [order, { index, at }] of asked.entries()) answers[index]![at] = got[order]!
  }
  return answers
}
