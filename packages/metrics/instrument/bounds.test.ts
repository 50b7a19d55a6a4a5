/** Dashboards, alerts and recording rules name bounds of these histograms: a bound that moves leaves them without numbers. */
import { expect, test } from 'bun:test'
import { Registry } from '../api/registry.ts'
import { measureEventLoop } from './event_loop.ts'
import { HttpServerMetrics } from './http_server.ts'
import { PoolMetrics } from './postgres.ts'
import { DatabaseMetrics } from './sqlite.ts'

const OPERATION = [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

test('the bounds of the histograms that the package makes', async () => {
  const registry = new Registry()
  new HttpServerMetrics(registry)
  new DatabaseMetrics(registry)
  new PoolMetrics(registry)
  measureEventLoop(registry).stop()
  const bounds = Object.fromEntries(
    (await registry.families()).flatMap(({ name, buckets }) => (buckets ? [[name, buckets]] : [])),
  )
  expect(bounds).toEqual({
    http_server_request_duration_seconds: [
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ],
    db_client_operation_duration_seconds: OPERATION,
    db_client_connection_wait_time_seconds: OPERATION,
    runtime_eventloop_lag_seconds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  })
})
