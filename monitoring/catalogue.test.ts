/** The catalogue of families, the dashboards, the rules and the READMEs tell the same story. */

import { expect, test } from 'bun:test'
import { familyOf, omitted, onlyAfter } from './exceptions.ts'
import { families } from './families.ts'
import { dashboards } from './grafana/dashboards.ts'
import { selectorsOf } from './grafana/promql-tree.ts'
import { queriesOf } from './grafana/queries.ts'
import { alertRules, recordingRules } from './prometheus/rules.ts'
import { catalogueTable } from './catalogue.ts'

const known = new Set(families.map(([name]) => name))
const shown = new Set(
  dashboards
    .flatMap((dashboard) => queriesOf(dashboard))
    .flatMap(selectorsOf)
    .map(({ metric }) => familyOf(metric)),
)

/** Not ours: of Prometheus itself, and of k6. */
const isForeign = (name: string) => /^(up$|ALERTS$|scrape_|prometheus_|k6_)/.test(name)

test('every family is on some panel, or is left out for a reason', () => {
  expect([...known].filter((name) => !shown.has(name) && omitted[name] === undefined)).toEqual([])
  expect(Object.keys(omitted).filter((name) => shown.has(name) || !known.has(name))).toEqual([])
})

test('panels and rules ask only for families that there are', () => {
  const recorded = new Set(recordingRules.map(({ record }) => record))
  const asked = [...alertRules, ...recordingRules]
    .flatMap(({ expr }) => selectorsOf(expr))
    .map(({ metric }) => metric)
  const unknown = [...shown, ...asked.map(familyOf)].filter(
    (name) => !known.has(name) && !isForeign(name) && !recorded.has(name),
  )
  expect(unknown).toEqual([])
})

test('exceptions are about families that there are', () => {
  const names = Object.keys(onlyAfter).filter((name) => !isForeign(name))
  expect(names.filter((name) => !known.has(name))).toEqual([])
})

test('the README has the table of the catalogue', async () => {
  const words = (text: string) => text.replace(/ +/g, ' ')
  const lines = words(await Bun.file(`${import.meta.dir}/README.md`).text()).split('\n')
  const rows = catalogueTable()
    .split('\n')
    .filter((row) => row.includes('`'))
  expect(rows.filter((row) => !lines.includes(words(row)))).toEqual([])
  expect(lines.filter((line) => /^\| `[a-z_]+` \| (counter|gauge|histogram) /.test(line))).toHaveLength(
    rows.length,
  )
})
