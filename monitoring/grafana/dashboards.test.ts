/**
 * Every dashboard follows the same rules, and the committed files are what build.ts writes. The end-to-end test checks that
 * the queries find data.
 */

import { describe, expect, test } from 'bun:test'
import { families } from '../families.ts'
import { dashboards, fileOf, render } from './dashboards.ts'
import { selectorsOf } from './promql-tree.ts'
import { queriesOf, withVariables } from './queries.ts'

type PanelJson = {
  id: number
  type: string
  title: string
  description: string
  datasource: unknown
  fieldConfig: { defaults: { unit: string } }
  links?: { url: string }[]
  gridPos: { x: number; y: number; w: number; h: number }
  targets: { expr: string; datasource: unknown }[]
  /** Of a closed row. */
  panels?: PanelJson[]
}

/** The exporter's series describe other instances, named by the label `target`. Prometheus does not scrape k6. */
function narrowedBy(metric: string): string[] {
  if (metric === 'ALERTS') return []
  if (metric.startsWith('k6_')) return ['shape']
  return /^(prefork|exporter_target)_/.test(metric) ? ['job', 'target'] : ['job', 'instance']
}

const gauges = new Set(families.filter(([, type]) => type === 'gauge').map(([name]) => name))
const isCounter = (metric: string) => /_(total|count|sum|bucket)$/.test(metric) && !gauges.has(metric)
const overCounters = new Set(['rate', 'irate', 'increase', 'resets'])

describe.each(dashboards.map((dashboard) => [dashboard.uid, dashboard] as const))('%s', (_uid, dashboard) => {
  // Grafana reads JSON.
  const model = JSON.parse(JSON.stringify(dashboard))
  const places: PanelJson[] = model.panels.flatMap((panel: PanelJson) => [panel, ...(panel.panels ?? [])])
  const panels = places.filter(({ type }) => type !== 'row')
  const targets = panels.flatMap((panel) => panel.targets)
  const selectors = () => queriesOf(dashboard).flatMap(selectorsOf)

  test('the committed file is what `bun run dashboards` writes', async () => {
    expect(await Bun.file(fileOf(dashboard)).text()).toBe(await render(dashboard))
  })

  test('it has its uid and cannot be edited in the browser', () => {
    expect(model).toMatchObject({ id: null, uid: dashboard.uid, editable: false })
  })

  test('job and instance are variables with several values or all; the data source is a variable, too', () => {
    expect(model.templating.list.slice(0, 3)).toMatchObject([
      { name: 'datasource', type: 'datasource', query: 'prometheus' },
      { name: 'job', type: 'query', multi: true, includeAll: true, allValue: '.+' },
      { name: 'instance', type: 'query', multi: true, includeAll: true, allValue: '.+' },
    ])
  })

  test('every panel has a title of its own, a description and a unit', () => {
    for (const { title, description, fieldConfig } of panels) {
      expect([title, description, fieldConfig.defaults.unit]).toEqual(
        Array(3).fill(expect.stringMatching(/./)),
      )
    }
    expect(new Set(panels.map((panel) => panel.title)).size).toBe(panels.length)
  })

  test('ids come from titles, so that a link to a panel stays valid when another panel is added', () => {
    const ids = places.map(({ id }) => id)
    expect(new Set(ids).size).toBe(places.length)
    for (const { id, title } of places) expect(id).toBe(1 + (Bun.hash.crc32(title) % 1_000_000))
  })

  test('it links to the other dashboards with its variables', () => {
    expect(model.links).toMatchObject([
      { type: 'dashboards', tags: model.tags, includeVars: true, keepTime: true },
    ])
    const leads = panels.flatMap(({ links = [] }) => links.map(({ url }) => url))
    for (const url of leads) {
      const [, uid] = /^\/d\/([\w-]+)\?\$\{__url_time_range\}&\$\{__all_variables\}$/.exec(url)!
      expect(dashboards.map((other) => other.uid)).toContain(uid)
    }
  })

  test('it marks starts, reloads, new workers and alerts', () => {
    const marks: { name: string; expr: string }[] = model.annotations.list
    expect(marks.map(({ name }) => name)).toEqual(['Starts and deploys', 'Reloads', 'New workers', 'Alerts'])
    for (const { expr } of marks) expect(selectorsOf(withVariables(expr)).length).toBeGreaterThan(0)
  })

  test('every panel and query reads from the chosen data source', () => {
    for (const { datasource } of [...panels, ...targets]) {
      expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' })
    }
  })

  test('panels fill the width of the screen and do not overlap', () => {
    const cells = places.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    const height = Math.max(...places.map(({ gridPos: { y, h } }) => y + h))
    expect(cells.length).toBe(24 * height)
  })

  test('every query parses, and every selector in it uses the variables', () => {
    expect(selectors().length).toBeGreaterThanOrEqual(targets.length)
    for (const { metric, labels } of selectors()) {
      expect({ metric, labels }).toEqual({ metric, labels: expect.arrayContaining(narrowedBy(metric)) })
    }
  })

  test('a rate is taken of every counter and of no gauge', () => {
    for (const { metric, functions } of selectors()) {
      const isRate = functions.some((name) => overCounters.has(name))
      expect({ metric, isRate }).toEqual({ metric, isRate: isCounter(metric) })
    }
  })

  test('every range is $__rate_interval', () => {
    const ranges = targets.flatMap(({ expr }) => expr.match(/\[.*?\]/g) ?? [])
    expect(ranges.length).toBeGreaterThan(0)
    expect(new Set(ranges)).toEqual(new Set(['[$__rate_interval]']))
  })
})
