/** PostgreSQL is stopped for 10 s under load. The short version and all other outages: away.test.ts. */
import { expect, test } from 'bun:test'
import { TestServer } from './testing_server.ts'
import { outage } from './testing_outage.ts'

test('ten seconds without PostgreSQL lose no acknowledged write, and need no restart', async () => {
  await using server = await TestServer.create()
  const { acknowledged, lost, wrong, unavailable, slowestMs, recoveredMs, pids } = await outage(
    server,
    'QUIT',
    10_000,
  )
  console.log({ acknowledged: acknowledged.length, unavailable, slowestMs, recoveredMs })
  expect(wrong).toEqual([])
  expect(lost).toEqual([])
  expect(recoveredMs).toBeLessThan(2000)
  // Below the statement timeout.
  expect(slowestMs).toBeLessThan(5000)
  expect(pids[1]).toEqual(pids[0])
})
