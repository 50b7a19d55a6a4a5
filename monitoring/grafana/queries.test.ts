import { expect, test } from 'bun:test'
import { queriesOf } from './queries.ts'

const dashboardWith = (...exprs: string[]) => ({ panels: [{ targets: exprs.map((expr) => ({ expr })) }] })

test('variables stand for everything, rates for the last minute', () => {
  expect(
    queriesOf(dashboardWith('rate(x_total{job=~"$job", instance=~"$instance"}[$__rate_interval])')),
  ).toEqual(['rate(x_total{job=~".+", instance=~".+"}[1m])'])
})

test('queries come in the order of the panels, and a panel without any has none', () => {
  expect(
    queriesOf({ panels: [...dashboardWith('a', 'b').panels, {}, ...dashboardWith('c').panels] }),
  ).toEqual(['a', 'b', 'c'])
})

test('a variable nobody knows is an error, not a query that finds nothing', () => {
  expect(() => queriesOf(dashboardWith('up{job="$service"}'))).toThrow('no value for $service')
})
