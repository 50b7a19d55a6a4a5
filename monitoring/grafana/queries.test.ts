import { expect, test } from 'bun:test'
import { queriesOf } from './queries.ts'

const dashboardWith = (...exprs: string[]) => ({ panels: [{ targets: exprs.map((expr) => ({ expr })) }] })

test('variables have the values for "All", and rates the range of one minute', () => {
  expect(
    queriesOf(dashboardWith('rate(x_total{job=~"$job", instance=~"$instance"}[$__rate_interval])')),
  ).toEqual(['rate(x_total{job=~".+", instance=~".+"}[1m])'])
})

test('queries come in the order of the panels, and a panel without queries adds none', () => {
  expect(
    queriesOf({ panels: [...dashboardWith('a', 'b').panels, {}, ...dashboardWith('c').panels] }),
  ).toEqual(['a', 'b', 'c'])
})

test('an unknown variable is an error', () => {
  expect(() => queriesOf(dashboardWith('up{job="$service"}'))).toThrow('no value for $service')
})
