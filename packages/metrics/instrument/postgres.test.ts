/** The clients of a database are measured by what they ask; no server takes part here. */
import { expect, spyOn, test } from 'bun:test'
import { Registry } from '../api/registry.ts'
import { PoolMetrics, PostgresMetrics } from './postgres.ts'

const LABELS = 'db_system_name="postgresql",db_operation_name="SELECT",db_collection_name="dogs"'
const SQL = 'SELECT id FROM dogs WHERE id = $1'

/** A clock that shows one time after the other. */
const clock = (...timesMs: number[]) => {
  const now = spyOn(performance, 'now')
  for (const ms of timesMs) now.mockReturnValueOnce(ms)
  return now
}

test('a call asks once, with the SQL and its parameters, and its time is observed', async () => {
  const registry = new Registry()
  const asked: unknown[] = []
  const select = new PostgresMetrics(registry).prepare(SQL, async (sql, params: [number]) => {
    asked.push([sql, params])
    return [{ id: 7 }]
  })
  using now = clock(1000, 1250)
  expect(await select(7)).toEqual([{ id: 7 }])
  expect(now).toHaveBeenCalledTimes(2)
  expect(asked).toEqual([[SQL, [7]]])
  const page = await registry.metrics()
  expect(page).toContain(`db_client_operation_duration_seconds_sum{${LABELS}} 0.25\n`)
  expect(page).toContain(`db_client_operation_duration_seconds_count{${LABELS}} 1\n`)
  expect(page).not.toContain('db_client_operation_errors_total{')
})

const CODE = { code: 'ERR_POSTGRES_CONNECTION_CLOSED' }
test.each<[name: string, error: unknown, type: string]>([
  ['an SQLSTATE', Object.assign(new Error('unique'), { errno: '23505', code: 'ERR_POSTGRES' }), '23505'],
  ['a code of the client', Object.assign(new Error('closed'), CODE), CODE.code],
  ['a number, which is no SQLSTATE', Object.assign(new Error('closed'), { errno: 104, ...CODE }), CODE.code],
  ['a class', new RangeError('no'), 'RangeError'],
  ['no error', 'broken', 'string'],
])('a call that fails with %s is observed, counted, and fails', async (_, error, type) => {
  const registry = new Registry()
  const select = new PostgresMetrics(registry).prepare(SQL, () => Promise.reject(error))
  using now = clock(1000, 3000)
  const caught = await select().catch((thrown: unknown) => thrown)
  expect(caught).toBe(error)
  expect(now).toHaveBeenCalledTimes(2)
  const page = await registry.metrics()
  expect(page).toContain(`db_client_operation_errors_total{${LABELS},error_type="${type}"} 1\n`)
  expect(page).toContain(`db_client_operation_duration_seconds_sum{${LABELS}} 2\n`)
})

test('a pool shows its connections by state at 0, and the waits and time-outs', async () => {
  const registry = new Registry()
  const pool = new PoolMetrics(registry)
  const before = await registry.metrics()
  for (const state of ['idle', 'used'])
    expect(before).toContain(`db_client_connection_count{state="${state}"} 0\n`)
  expect(before).toContain('db_client_connection_wait_time_seconds_count 0\n')
  expect(before).toContain('db_client_connection_timeouts_total 0\n')
  pool.idle.set(3)
  pool.used.set(2)
  pool.wait.observe(0.5)
  pool.timeouts.inc()
  const page = await registry.metrics()
  expect(page).toContain('db_client_connection_count{state="idle"} 3\n')
  expect(page).toContain('db_client_connection_count{state="used"} 2\n')
  expect(page).toContain('db_client_connection_wait_time_seconds_sum 0.5\n')
  expect(page).toContain('db_client_connection_timeouts_total 1\n')
})
