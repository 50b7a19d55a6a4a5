/**
 * Every dashboard drawn from a Prometheus that has no data, only NaN, or one sample: tiles are grey and say so, and nothing is blank
 * or nonsensical. And the inspection finds what it should.
 */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { dashboards } from '../dashboards.ts'
import type { Painter as PainterType } from './draw.ts'

const isInstalled = isExpected(
  Bun.which('chromium') !== null && existsSync(`${import.meta.dir}/node_modules/@grafana/ui`),
  'chromium or the packages of monitoring/pictures are missing (bun install --cwd monitoring/pictures), so nothing draws the dashboards',
)

type Sample = [seconds: number, value: string]
let samples: (end: number) => Sample[] = () => []
const labels = { job: 'dogs', app: 'dogs', le: '0.1', http_response_status_code: '200' }
const prometheus = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    const isRange = pathname.endsWith('query_range')
    const found = samples(Number(searchParams.get(isRange ? 'end' : 'time')))
    const value = isRange ? { values: found } : { value: found.at(-1) }
    return Response.json({ data: { result: found.length === 0 ? [] : [{ metric: labels, ...value }] } })
  },
})

let painter: PainterType
beforeAll(async () => {
  if (isInstalled) painter = await (await import('./draw.ts')).Painter.start()
}, 60_000)
afterAll(async () => {
  await painter?.[Symbol.asyncDispose]()
  await prometheus.stop(true)
})

const toSeconds = 1_800_000_000
const look = {
  prometheus: prometheus.url.origin,
  fromSeconds: toSeconds - 900,
  toSeconds,
  stepSeconds: 10,
  rateInterval: '40s',
}
const draw = (dashboard: object) => painter.draw(JSON.parse(JSON.stringify(dashboard)), look)

describe.skipIf(!isInstalled).each(dashboards.map((dashboard) => [dashboard.uid!, dashboard] as const))(
  '%s',
  (_, dashboard) => {
    test.each<[string, (end: number) => Sample[]]>([
      ['no series', () => []],
      [
        'only NaN',
        (end) => [
          [end - 10, 'NaN'],
          [end, 'NaN'],
        ],
      ],
    ])(
      'with %s its tiles are grey and say so',
      async (_, values) => {
        samples = values
        const { findings, tiles } = await draw(dashboard)
        expect(findings.filter(({ what }) => what !== 'small text')).toEqual([])
        for (const { text, background } of tiles) {
          expect(text).toMatch(
            /no data|no requests|no statements|none since the start|after 2 min of requests/,
          )
          const [red, green, blue] = background.map(Number)
          expect(Math.max(red!, green!, blue!) - Math.min(red!, green!, blue!)).toBeLessThan(12)
        }
      },
      30_000,
    )

    test('with one sample nothing is blank or nonsensical', async () => {
      samples = (end) => [[end, '1']]
      expect((await draw(dashboard)).findings).toEqual([])
    }, 30_000)
  },
)

test.skipIf(!isInstalled)(
  'tiles of ratios and quantiles say that there are no requests',
  async () => {
    samples = (end) => [[end, 'NaN']]
    const { tiles } = await draw(dashboards.find(({ uid }) => uid === 'overview')!)
    expect(tiles.filter(({ text }) => text === 'no requests')).toHaveLength(2)
  },
  30_000,
)

describe.skipIf(!isInstalled)('the inspection finds', () => {
  const panel = (type: string, more: object = {}) => ({
    title: 'test',
    panels: [
      {
        id: 1,
        type,
        title: 'a panel',
        gridPos: { x: 0, y: 0, w: 4, h: 4 },
        targets: [{ refId: 'A', expr: 'x', legendFormat: 'a name', instant: type === 'stat' }],
        fieldConfig: { defaults: { unit: 'short' }, overrides: [] },
        options: {
          reduceOptions: { calcs: ['lastNotNull'] },
          textMode: 'auto',
          colorMode: 'background',
          graphMode: 'none',
          legend: { showLegend: true, displayMode: 'list', placement: 'bottom' },
        },
        ...more,
      },
    ],
  })
  const found = async (dashboard: object) => {
    samples = (end) => [
      [end - 10, '5'],
      [end, '5'],
    ]
    return (await draw(dashboard)).findings.map(({ panel, what }) => [panel, what])
  }

  test('nothing on a panel that is right', async () => {
    expect(await found(panel('stat'))).toEqual([])
    expect(await found(panel('timeseries'))).toEqual([])
  })

  test('text that is too small', async () => {
    const options = { ...panel('stat').panels[0]!.options, text: { titleSize: 5, valueSize: 8 } }
    expect(await found(panel('stat', { options }))).toEqual([['a panel', 'small text']])
  })

  test('a name that is wider than its tile', async () => {
    const targets = [
      { refId: 'A', expr: 'x', legendFormat: 'AnAlertWithAVeryLongNameThatDoesNotFit', instant: true },
    ]
    const options = { ...panel('stat').panels[0]!.options, textMode: 'name', text: { valueSize: 40 } }
    expect(await found(panel('stat', { options, targets }))).toContainEqual(['a panel', 'cut off'])
  })

  test('a legend that does not fit', async () => {
    const targets = Array.from({ length: 30 }, (_, index) => ({
      refId: `${index}`,
      expr: 'x',
      legendFormat: `a long legend ${index}`,
    }))
    expect(await found(panel('timeseries', { targets }))).toContainEqual(['a panel', 'cut off'])
  })

  test('a value that is nonsense', async () => {
    const defaults = { unit: 'dateTimeFromNow' }
    const targets = [{ refId: 'A', expr: 'x', format: 'table', instant: true }]
    expect(await found(panel('table', { fieldConfig: { defaults, overrides: [] }, targets }))).toContainEqual(
      ['a panel', 'nonsense'],
    )
  })
})
