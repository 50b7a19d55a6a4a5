/**
 * Every query of the dashboards and every recording returns on a made-up stack what answers.json says. After a change that is
 * meant, `bun monitoring/testing_mutants/answers.ts` writes the file; its diff shows what users will see.
 */

import { expect, test } from 'bun:test'
import { isPromtoolExpected } from '../prometheus/promtool.ts'
import committed from './answers.json' with { type: 'json' }
import { answers } from './answers.ts'

const SLOW_MS = 120_000

test.skipIf(!isPromtoolExpected)(
  'queries and recordings return what they returned',
  async () => {
    const now = await answers()
    expect(Object.keys(now)).toEqual(Object.keys(committed))
    expect(now).toEqual(committed)
  },
  SLOW_MS,
)

test.skipIf(!isPromtoolExpected)('no query fails, and none is empty on every choice of variables', () => {
  for (const [name, all] of Object.entries(committed)) {
    expect([name, all.filter((answer) => answer === 'an error')]).toEqual([name, []])
    expect([name, all.some((answer) => answer !== 'nothing')]).toEqual([name, true])
  }
})
