/** The README states the rejections, failures and metrics of the code. */
import { expect, test } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { RequestTally } from '@bun-monitoring/prefork'
import { ClientMetrics } from './client/metrics.ts'
import { ExchangeMetrics } from './exchange/metrics.ts'
import { REJECTIONS } from './http1/rejections.ts'
import { FAILURES } from './upstream/failure_responses.ts'
import { UpstreamFamilies } from './upstream/metrics.ts'

const readme = await Bun.file(`${import.meta.dir}/README.md`).text()
/** The rows of its tables, by the name in their first cell. */
const rows = new Map(
  [...readme.matchAll(/^\| `(\w+)` +\| (.*) \|$/gm)].map(([, name, rest]) => [
    name!,
    rest!.split('|').map((cell) => cell.trim()),
  ]),
)

test.each(Object.entries({ ...REJECTIONS, ...FAILURES }))('it has %s with its status', (name, [status]) => {
  expect(rows.get(name)?.[0]).toBe(String(status))
})

test('it has every metric that the gateway adds, with its type', async () => {
  const registry = new Registry()
  const parts = [new ClientMetrics(registry), new ExchangeMetrics(registry, new RequestTally())]
  const upstream = new UpstreamFamilies(registry).of('dogs')
  expect([...parts, upstream]).toHaveLength(3)
  const families = [
    ...(await registry.metrics()).matchAll(/^# TYPE (gateway_\w+|http_server_\w+_size_bytes) (\w+)$/gm),
  ]
  expect(families).toHaveLength(21)
  for (const [, name, type] of families) expect([name!, rows.get(name!)?.[0]]).toEqual([name!, type!])
})
