/** The README says what the code does: refusals, failures, metrics, keys of the file. */
import { expect, test } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { RequestTally } from '@bun-monitoring/prefork'
import { GatewayMetrics } from './metrics.ts'
import { CAUSES, FAILURES } from './refusals.ts'

const readme = await Bun.file(`${import.meta.dir}/README.md`).text()
/** The rows of its tables, by what stands in their first cell. */
const rows = new Map(
  [...readme.matchAll(/^\| `(\w+)` +\| (.*) \|$/gm)].map(([, name, rest]) => [
    name!,
    rest!.split('|').map((cell) => cell.trim()),
  ]),
)

test.each(Object.entries({ ...CAUSES, ...FAILURES }))('it has %s with its status', (name, [status]) => {
  expect(rows.get(name)?.[0]).toBe(String(status))
})

test('it has every metric that the gateway adds, with its type', async () => {
  const registry = new Registry()
  const metrics = new GatewayMetrics(registry, new RequestTally())
  metrics.upstream('dogs')
  const families = [
    ...(await registry.metrics()).matchAll(/^# TYPE (gateway_\w+|http_server_\w+_size_bytes) (\w+)$/gm),
  ]
  expect(families).toHaveLength(17)
  for (const [, name, type] of families) expect([name!, rows.get(name!)?.[0]]).toEqual([name!, type!])
})
