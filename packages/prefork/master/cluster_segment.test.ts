import { expect, test } from 'bun:test'
import { Segment } from '@bun-monitoring/metrics'
import { tmpdir } from 'node:os'
import { DEFAULT_METRICS_BYTES } from '../shared/config.ts'
import { defaultFolder, fittingSize } from './cluster_segment.ts'

const MIB = 1024 * 1024
const DOCKER = 64 * MIB
const settings = { workers: 2, metricsBytesPerWorker: DEFAULT_METRICS_BYTES }

test.each<[string, Parameters<typeof fittingSize>, Partial<ReturnType<typeof fittingSize>>]>([
  ['the default', [settings, DOCKER], { slots: 8, regionBytes: MIB }],
  ['four times the workers', [{ ...settings, workers: 3 }, DOCKER], { slots: 12, regionBytes: MIB }],
  ['MAX_WORKERS', [{ ...settings, maxWorkers: 3 }, DOCKER], { slots: 3, regionBytes: MIB }],
  ['MAX_WORKERS below WORKERS', [{ ...settings, maxWorkers: 1 }, DOCKER], { slots: 2, regionBytes: MIB }],
  ['regions of another size', [{ ...settings, metricsBytesPerWorker: 2 * MIB }, DOCKER], { slots: 8 }],
])('%s is as it was set where it fits', (_, args, size) => expect(fittingSize(...args)).toMatchObject(size))

test('first the default number of slots becomes smaller, and no smaller than it must', () => {
  const { slots, regionBytes } = fittingSize({ ...settings, workers: 8 }, DOCKER)
  expect(regionBytes).toBe(MIB)
  expect(slots).toBeGreaterThanOrEqual(8)
  expect(slots).toBeLessThan(32)
  expect(Segment.bytesOf({ slots, regionBytes })).toBeLessThanOrEqual(0.9 * DOCKER)
  expect(Segment.bytesOf({ slots: slots + 1, regionBytes })).toBeGreaterThan(0.9 * DOCKER)
})

test('then the default size of regions becomes smaller', () => {
  const { slots, regionBytes } = fittingSize({ ...settings, workers: 40 }, DOCKER)
  expect(slots).toBe(40)
  expect(regionBytes).toBeLessThan(MIB)
  const bytes = Segment.bytesOf({ slots, regionBytes })
  expect(bytes).toBeLessThanOrEqual(0.9 * DOCKER)
  expect(bytes).toBeGreaterThan(0.89 * DOCKER)
})

test.each<[string, Parameters<typeof fittingSize>[0], number]>([
  [
    'MAX_WORKERS and the size of regions',
    { workers: 2, maxWorkers: 100, metricsBytesPerWorker: MIB + 8 },
    100,
  ],
  ['the size of regions', { workers: 40, metricsBytesPerWorker: MIB + 8 }, 160],
  ['a number of workers beyond the least size', { ...settings, workers: 1000 }, 4000],
])('%s that was set is kept where it does not fit: the start fails', (_, given, slots) => {
  expect(fittingSize(given, DOCKER)).toEqual({ slots, regionBytes: given.metricsBytesPerWorker })
})

test('without a /dev/shm the folder for temporary files is used', () => {
  expect(defaultFolder()).toBe('/dev/shm')
  expect(defaultFolder('/nowhere')).toBe(tmpdir())
})
