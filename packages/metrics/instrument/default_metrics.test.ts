import { expect, test } from 'bun:test'
import { Registry } from '../api/registry.ts'
import { collectDefaultMetrics } from './default_metrics.ts'

test('only the process metrics that are real on Bun are published', async () => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const names = registry.getMetricsAsArray().map(({ name }) => name)
  expect(names.every((name) => name.startsWith('process_'))).toBe(true)
  expect(names).not.toContain('process_heap_bytes')
  expect(names).not.toContain('process_virtual_memory_bytes')
  expect(await registry.metrics()).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m)
})

test('default metrics take a prefix and labels, as in prom-client', async () => {
  const register = new Registry()
  collectDefaultMetrics({ register, prefix: 'dogs_', labels: { shard: '3' } })
  expect(await register.metrics()).toMatch(/^dogs_process_resident_memory_bytes\{shard="3"\} [1-9]\d+$/m)
})
