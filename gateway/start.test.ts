/** A worker begins to serve when its targets were looked up, or when that takes too long. */
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, RequestTally, type Worker } from '@bun-monitoring/prefork'
import { expect, spyOn, test } from 'bun:test'
import dns from 'node:dns/promises'
import { readGatewayConfig } from './config/settings.ts'
import { type GatewayServer, serve } from './server.ts'

const worker = () =>
  ({
    registry: new Registry(),
    tally: new RequestTally(),
    log: createLogger('gateway', 'silent'),
    addresses: [],
  }) as unknown as Worker

/** The number of targets that a worker knows when it begins to serve. */
async function targetsAtStart(lookup: () => Promise<unknown>, connectMs: number): Promise<number> {
  const committed = readGatewayConfig({})
  const [upstream] = committed.upstreams
  using _ = spyOn(dns, 'lookup').mockImplementation(lookup as never)
  const server = (await serve(
    {
      ...committed,
      upstreams: [{ ...upstream!, targets: ['http://dogs.test:8001'] }],
      timeouts: { ...committed.timeouts, connectMs },
    },
    worker(),
  )) as GatewayServer
  const { states } = server.gateway.upstreams[0]!
  await server.stop(true)
  return states.healthy + states.ejected + states.slow_start
}

test('it knows the targets that are found in time', async () => {
  const found = async () => {
    await new Promise(setImmediate)
    return [{ address: '127.0.0.1', family: 4 }]
  }
  expect(await targetsAtStart(found, 60_000)).toBe(1)
})

test('it does not wait longer than for a connection', async () => {
  expect(await targetsAtStart(() => new Promise(() => {}), 1)).toBe(0)
})
