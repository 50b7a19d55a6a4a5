/**
 * Tiles of processes that run and have had no event yet: no requests is not the same as no data. Prometheus has no series of a rate
 * before the first event.
 */

import { describe, expect, test } from 'bun:test'
import { isPromtoolExpected, promtools } from '../prometheus/promtool.ts'
import { always, of, type Series } from '../prometheus/testdata/series.ts'
import { dogs, exported, gateway, outputOf, type ValueCase } from './testing_values.ts'

const [EDGE, FIRST, SECOND] = [0, 0, 1]
/** What processes publish before their first event. */
const idleGateway = {
  [of('http_server_active_requests', gateway, { http_request_method: 'GET' })]: always(0),
}
const idleDogs = { [of('http_server_active_requests', dogs, { http_request_method: 'GET' })]: always(0) }
const idleDatabase = { [of('db_migrations_applied', dogs)]: always(1) }
const neverReloaded = { [of('prefork_workers', exported, { state: 'ready' })]: always(2) }

type Tile = [dashboard: string, panel: string, query: number, idle: Series, value: number]
const tiles: readonly Tile[] = [
  ['overview', 'Requests at the edge', EDGE, idleGateway, 0],
  ['overview', 'Errors at the edge', EDGE, idleGateway, NaN],
  ['overview', 'p99 at the edge', EDGE, idleGateway, NaN],
  ['gateway', 'Requests', EDGE, idleGateway, 0],
  ['gateway', 'Errors', EDGE, idleGateway, NaN],
  ['gateway', 'Within 250 ms', EDGE, idleGateway, NaN],
  ['service', 'Requests', FIRST, idleGateway, 0],
  ['service', 'Requests', SECOND, idleDogs, 0],
  ['service', 'Errors', SECOND, idleDogs, NaN],
  ['service', 'p99', SECOND, idleDogs, NaN],
  ['error-budget', 'Burn rate over 1h', FIRST, idleGateway, NaN],
  ['error-budget', 'Burn rate over 1h', SECOND, idleGateway, NaN],
  ['database', 'Operations', FIRST, idleDatabase, 0],
  ['database', 'p99', FIRST, idleDatabase, NaN],
  ['workers', 'Last reload', SECOND, neverReloaded, NaN],
]

const cases = tiles.flatMap(([dashboard, panel, query, idle, value]): ValueCase[] => [
  {
    dashboard,
    panel,
    query,
    claim: `${value} while nothing has happened`,
    series: idle,
    expected: { '{}': value },
  },
  { dashboard, panel, query, claim: 'nothing without a process', series: {}, expected: {} },
])

describe.skipIf(!isPromtoolExpected).each(promtools)('%s', (program) => {
  test.each(cases.map((each) => [`${each.dashboard}, ${each.panel}: ${each.claim}`, each] as const))(
    '%s',
    async (_, each) => expect(await outputOf(program, each)).toContain('SUCCESS'),
  )
})
