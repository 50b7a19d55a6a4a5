/**
 * Every dashboard follows the same rules, and the committed files are what build.ts writes. The end-to-end test checks that
 * the queries find data.
 */

import { describe, expect, test } from 'bun:test'
import { dashboards, fileOf } from '../dashboards.ts'
import { families } from '../families.ts'
import { panelId } from '../rules/rule.ts'
import { stack } from '../stack.ts'
import { colorsOf, NEUTRAL } from './colors.ts'
import { render } from './dashboards.ts'
import { selectorsOf } from './promql-tree.ts'
import { queriesOf, withVariables } from './queries.ts'

type PanelJson = {
  id: number
  type: string
  title: string
  description: string
  datasource: unknown
  fieldConfig: {
    defaults: { unit: string; mappings: unknown[]; custom: { axisSoftMax: number } }
    overrides: { matcher: { options: string }; properties: { value: { fixedColor: string } }[] }[]
  }
  options: { orientation: string }
  links?: { url: string }[]
  gridPos: { x: number; y: number; w: number; h: number }
  targets: { expr: string; datasource: unknown }[]
  /** Of a closed row. */
  panels?: PanelJson[]
}

/** The exporter's series describe other instances, named by the label `target`. Those of the edge are the view of clients. */
function narrowedBy(metric: string): string[] {
  if (/^(ALERTS$|node_)/.test(metric)) return []
  if (/^(http_server|gateway|edge)[_:]/.test(metric)) return ['job']
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
  const queried = panels.filter(({ type }) => type !== 'text')
  const targets = queried.flatMap((panel) => panel.targets)
  const ofType = (type: string) => panels.filter((panel) => panel.type === type)
  const selectors = () => queriesOf(dashboard).flatMap(selectorsOf)

  test('the committed file is what `bun run dashboards` writes', async () => {
    expect(await Bun.file(fileOf(dashboard)).text()).toBe(await render(dashboard, fileOf(dashboard)))
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
    for (const { title, description } of panels) expect([title, description]).not.toContain('')
    for (const { fieldConfig } of queried) expect(fieldConfig.defaults.unit).not.toBe('')
    expect(new Set(panels.map((panel) => panel.title)).size).toBe(panels.length)
  })

  test('ids come from titles, so that a link to a panel stays valid when another panel is added', () => {
    const ids = places.map(({ id }) => id)
    expect(new Set(ids).size).toBe(places.length)
    for (const { id, title } of places) expect(id).toBe(panelId(title))
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
    for (const { datasource } of [...queried, ...targets]) {
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
    expect(ranges.filter((range) => range !== '[$__rate_interval]')).toEqual([])
  })

  test('its links and the switches of its annotations are at the top, not in a menu', () => {
    for (const { placement } of [...model.links, ...model.annotations.list]) expect(placement).toBeUndefined()
  })

  test('a tile without data is grey and says so', () => {
    const noData = { match: 'null+nan', result: { text: expect.stringMatching(/./), color: NEUTRAL } }
    for (const { title, fieldConfig } of ofType('stat')) {
      expect([title, fieldConfig.defaults.mappings]).toEqual([
        title,
        expect.arrayContaining([{ type: 'special', options: noData }]),
      ])
    }
  })

  test('a tile of a ratio or a quantile is grey when there are no requests', () => {
    const noRequests = {
      type: 'special',
      options: {
        match: 'nan',
        result: { text: expect.stringMatching(/^no (requests|statements)$/), color: NEUTRAL },
      },
    }
    const divides = ({ expr }: { expr: string }) => /histogram_quantile|[)}] \/ sum/.test(expr)
    for (const { title, fieldConfig } of ofType('stat').filter((panel) => panel.targets.some(divides))) {
      expect([title, fieldConfig.defaults.mappings]).toEqual([title, expect.arrayContaining([noRequests])])
    }
    // Every other calculation of Grafana leaves out NaN.
    for (const { options } of ofType('stat')) expect((options as any).reduceOptions.calcs).toEqual(['last'])
  })

  test('a tile of a share has two decimals', () => {
    for (const { title, fieldConfig } of ofType('stat')) {
      const { unit, decimals } = fieldConfig.defaults as { unit: string; decimals?: number }
      expect([title, decimals]).toEqual([title, unit === 'percentunit' ? 2 : undefined])
    }
  })

  test('the series of a tile have an order: each query of several returns one series', () => {
    for (const { targets } of ofType('stat').filter((panel) => panel.targets.length > 1)) {
      for (const { expr } of targets) expect(expr).not.toMatch(/ by \((?!alertname|le)/)
    }
  })

  test('a graph of zeros has an axis that fits its unit, and a limit is inside the axis', () => {
    for (const { title, fieldConfig } of ofType('timeseries')) {
      const { unit, custom, thresholds } = fieldConfig.defaults as any
      const limit = thresholds?.steps.at(-1).value ?? 0
      expect([title, custom.axisSoftMax]).toEqual([title, expect.any(Number)])
      expect(custom.axisSoftMax).toBeGreaterThan(limit)
      if (unit === 'percentunit') expect(custom.axisSoftMax).toBeLessThanOrEqual(1.25)
    }
  })

  test('every graph has the same colours', () => {
    const [first, ...others] = ofType('timeseries').map(({ fieldConfig }) => fieldConfig.overrides)
    for (const overrides of others) expect(overrides).toEqual(first!)
  })
})

test('the choice of an instance does not empty the panels of the edge', () => {
  const queries = dashboards.flatMap((dashboard) =>
    queriesOf(dashboard, { $instance: 'dogs:9001', $job: 'dogs' }),
  )
  const ofTheEdge = queries.filter((query) => query.includes('{job="gateway"'))
  expect(ofTheEdge.length).toBeGreaterThan(20)
  expect(ofTheEdge.filter((query) => query.includes('dogs:9001'))).toEqual([])
})

describe('colours', () => {
  const colorOf = (legend: string) =>
    colorsOf(stack).findLast(([regexp]) => new RegExp(regexp.slice(1, -1)).test(legend))?.[1][0]!.value
      .fixedColor

  test.each([
    ['200', '201', 'GET 200', 'dogs 200', 'dogs ready', 'healthy', 'gateway healthy', 'ok'],
    ['404', 'dogs 404', 'starting', 'slow_start', 'dogs slow_start'],
    ['500', '503', 'cats 502', 'dogs 0', 'hung', 'dogs hung', 'ejected', 'crash', 'cats oom', 'failed'],
    ['dogs', 'dogs /dogs/:id/', 'p99 dogs'],
    ['gateway', 'p50 gateway'],
    ['cats'],
  ])('%s has one colour with the likes of it', (...legends) => {
    const colors = new Set((legends as string[]).map(colorOf))
    expect([...colors]).toEqual([expect.stringMatching(/^#/)])
  })

  test('good, bad, warnings and apps differ', () => {
    const colors = ['200', '404', '503', 'dogs', 'gateway', 'cats', 'dead', 'busy'].map(colorOf)
    expect(colors).not.toContain(undefined)
    expect(new Set(colors.slice(0, 7)).size).toBe(7)
  })
})
