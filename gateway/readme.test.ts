/** The README states the rejections, failures, metrics and numbers of the code. */
import { expect, test } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { RequestTally } from '@bun-monitoring/prefork'
import { ClientMetrics } from './client/metrics.ts'
import { ExchangeMetrics } from './exchange/metrics.ts'
import { REPLAY_BYTES } from './exchange/replay_buffer.ts'
import { REJECTIONS } from './http1/rejections.ts'
import { FAILURES } from './upstream/failure_responses.ts'
import { EJECT_AFTER, EJECTION_MS, SLOW_START_MS } from './upstream/health.ts'
import { UpstreamFamilies } from './upstream/metrics.ts'
import { FREE_RETRIES_PER_SECOND, RETRY_SHARE } from './upstream/retry_budget.ts'

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

test.each([
  ['Three requests in a row', EJECT_AFTER, 3],
  ['eject a target for a second', EJECTION_MS, 1000],
  ['its share over 5 seconds', SLOW_START_MS, 5000],
  ['a fifth of the requests, and ten a second', RETRY_SHARE, 1 / 5],
  ['a fifth of the requests, and ten a second', FREE_RETRIES_PER_SECOND, 10],
  ['kept for this, up to 64 KiB', REPLAY_BYTES, 64 * 1024],
])('it says “%s”, and the code has %d', (words, inCode, said) => {
  expect(readme.replaceAll(/\s+/g, ' ')).toContain(words)
  expect(inCode).toBe(said)
})
