/** PostgreSQL is stopped for 10 s under load. The short version and all other outages: away.slow.test.ts. */
import { expect, test } from 'bun:test'
import { TestServer } from './testing_server.ts'
import { outage } from './testing_outage.ts'

test('ten seconds without PostgreSQL lose no acknowledged write, and need no restart', async () => {
  await using server = await TestServer.create()
  const seen = await outage(server, 'QUIT', 10_000)
  const { acknowledged, lost, wrong, unavailable, slowestMs, recoveredMs, withinMs, pids } = seen
  console.log({ acknowledged: acknowledged.length, unavailable, slowestMs, recoveredMs, withinMs })
  expect(wrong).toEqual([])
  expect(lost).toEqual([])
  expect(recoveredMs).toBeLessThan(withinMs)
  // No client waits for the statement timeout, which is 5 s.
  expect(slowestMs).toBeLessThan(3000 + withinMs)
  expect(pids[1]).toEqual(pids[0])
})
