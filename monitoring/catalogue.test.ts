/** The catalogue of metric families agrees with the pages of running processes, the dashboards, the rules and the README. */

import { expect, test } from 'bun:test'
import { familyOf, omitted, onlyAfter } from './exceptions.ts'
import { families } from './families.ts'
import { dashboards } from './dashboards.ts'
import { selectorsOf } from './grafana/promql-tree.ts'
import { queriesOf } from './grafana/queries.ts'
import { alertRules, recordingRules } from './prometheus/rules.ts'
import { catalogueTable, HEADING } from './catalogue.ts'
import { publishedFamilies } from './testing_families.ts'

const known = new Set(families.map(([name]) => name))
const shown = new Set(
  dashboards
    .flatMap((dashboard) => queriesOf(dashboard))
    .flatMap(selectorsOf)
    .map(({ metric }) => familyOf(metric)),
)

/** Families that Prometheus, k6 and node_exporter publish. */
const isForeign = (name: string) => /^(up$|ALERTS$|scrape_|prometheus_|k6_|node_)/.test(name)

test('families.json is what running processes publish: `bun run --cwd monitoring families` writes it', async () => {
  const committed: unknown = await Bun.file(`${import.meta.dir}/families.json`).json()
  expect(committed).toEqual(await publishedFamilies())
}, 120_000)

test('every family is on some panel, or is left out for a reason', () => {
  expect([...known].filter((name) => !shown.has(name) && omitted[name] === undefined)).toEqual([])
  expect(Object.keys(omitted).filter((name) => shown.has(name) || !known.has(name))).toEqual([])
})

test('panels and rules read only families that exist', () => {
  const recorded = new Set(recordingRules.map(({ record }) => record))
  const asked = [...alertRules, ...recordingRules]
    .flatMap(({ expr }) => selectorsOf(expr))
    .map(({ metric }) => metric)
  const unknown = [...shown, ...asked.map(familyOf)].filter(
    (name) => !known.has(name) && !isForeign(name) && !recorded.has(name),
  )
  expect(unknown).toEqual([])
})

test('exceptions name only families that exist', () => {
  const names = Object.keys(onlyAfter).filter((name) => !isForeign(name))
  expect(names.filter((name) => !known.has(name))).toEqual([])
})

test('the README has the table of the catalogue', async () => {
  const cells = (text: string) =>
    text
      .replace(/ +|-{2,}/g, (run) => run[0]!)
      .trim()
      .split('\n')
  const [, section] = (await Bun.file(`${import.meta.dir}/README.md`).text()).split(HEADING)
  expect(cells(section!)).toEqual(cells(catalogueTable()))
})
