/** Which mutants of dashboards' queries and of recordings return something else: `bun monitoring/testing_mutants/testing_queries.ts`. */

import { answersTo, type Expression, queries, recordings } from './expressions.ts'
import { mutantsOf } from './promql.ts'
import type { Tally } from './testing_rules.ts'

const ASKED_AT_ONCE = 500

export async function testExpressions(expressions: readonly Expression[]): Promise<Tally> {
  const original = await answersTo(expressions)
  const mutants = expressions.flatMap(({ name, expr, asked }, index) =>
    mutantsOf(expr).map((mutant) => ({ name, asked, index, what: mutant.what, expr: mutant.expr })),
  )
  const tally: Tally = { all: mutants.length, survivors: [] }
  for (let from = 0; from < mutants.length; from += ASKED_AT_ONCE) {
    const some = mutants.slice(from, from + ASKED_AT_ONCE)
    const answers = await answersTo(some)
    for (const [at, { name, index, what }] of some.entries())
      if (Bun.deepEquals(answers[at], original[index])) tally.survivors.push({ place: name, rule: '', what })
  }
  return tally
}

if (import.meta.main) {
  for (const [kind, expressions] of Object.entries({ recordings, queries })) {
    const { all, survivors } = await testExpressions(expressions)
    for (const { place, what } of survivors) console.log(`${place}: ${what}`)
    const share = (100 * (all - survivors.length)) / all
    console.log(`${kind}: ${all - survivors.length} of ${all} are noticed (${share.toFixed(1)} %)`)
  }
}
