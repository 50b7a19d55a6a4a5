/** What each query of the dashboards and each recording returns on a made-up stack. As a program: writes answers.json. */

import { join } from 'node:path'
import { answersTo, queries, recordings } from './expressions.ts'

/** Answers by the place of the expression; those of queries for "All", for one choice of each variable, and for the gateway. */
export async function answers(): Promise<Record<string, string[]>> {
  const all = [...recordings, ...queries]
  const got = await answersTo(all)
  return Object.fromEntries(all.map(({ name }, index) => [name, got[index]!]))
}

if (import.meta.main) {
  await Bun.write(join(import.meta.dir, 'answers.json'), `${JSON.stringify(await answers(), null, 2)}\n`)
}
