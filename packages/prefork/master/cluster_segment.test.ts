import { expect, mock, test } from 'bun:test'
import { Segment } from '@bun-monitoring/metrics'
import { readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { StartError } from '../shared/bind.ts'
import { DEFAULT_METRICS_BYTES } from '../shared/config.ts'
import { temporaryFolder } from '../testdata/toys.ts'
import { createSegment, defaultFolder, fittingSize, lastingPath } from './cluster_segment.ts'

const MIB = 1024 * 1024
const DOCKER = 64 * MIB
const settings = { workers: 2, metricsBytesPerWorker: DEFAULT_METRICS_BYTES }

test.each<[string, Parameters<typeof fittingSize>, Partial<ReturnType<typeof fittingSize>>]>([
  ['the default', [settings, DOCKER], { slots: 8, regionBytes: MIB }],
  ['eight for one worker', [{ ...settings, workers: 1 }, DOCKER], { slots: 8, regionBytes: MIB }],
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

/** The segment of a cluster in a folder of its own, and what is logged about it. */
function created(given: Partial<Parameters<typeof createSegment>[1]>, freeBytes?: number) {
  const metricsDir = temporaryFolder()
  const info = mock()
  const segment = createSegment(
    { name: 'toys', prefix: 'TOYS' },
    { ...settings, metricsDir, ...given },
    { info } as never,
    freeBytes === undefined ? undefined : () => freeBytes,
  )
  const files = readdirSync(metricsDir)
  const path = lastingPath(segment)
  const opened = Segment.open(path)
  segment.remove()
  const reopened = Segment.open(path)
  rmSync(metricsDir, { recursive: true })
  return { slots: segment.slots, said: info.mock.calls, files, opened: [opened.slots, reopened.slots] }
}

test('a segment with room is made as it was set, without a word, and opens also after its removal', () => {
  expect(created({})).toEqual({
    slots: 8,
    said: [],
    files: [expect.stringMatching(/-toys-\d+$/) as never],
    opened: [8, 8],
  })
})

test.each<[string, Partial<typeof settings>, number]>([
  ['fewer slots', { workers: 8 }, DOCKER],
  ['smaller regions', { workers: 40 }, DOCKER],
])('a folder with little room is named when there are %s', (_, given, freeBytes) => {
  const { said } = created(given, freeBytes)
  expect(said).toHaveLength(1)
  const [fields, message] = said[0] as [Record<string, unknown>, string]
  expect(fields).toMatchObject(fittingSize({ ...settings, ...given }, freeBytes))
  expect(message).toContain('has little room')
  expect(message).toContain('set TOYS_METRICS_DIR to another folder')
})

test.each([
  ['a folder that does not exist', { metricsDir: '/nowhere/at/all' }],
  ['a folder that cannot be written', { metricsDir: '/proc' }],
])('%s is an error that names the settings', (_, given) => {
  const make = () => createSegment({ name: 'toys', prefix: 'TOYS' }, { ...settings, ...given }, {} as never)
  expect(make).toThrow(StartError)
  expect(make).toThrow('TOYS_METRICS_DIR')
})

test('the free room is that of the folder', () => {
  const folder = temporaryFolder()
  const { bavail, bsize } = statfsSync(folder)
  // More than there is: it does not start, and says so, rather than to die of a full disk later.
  const regionBytes = 2 ** 30
  const slots = Math.ceil((bavail * bsize) / regionBytes)
  const make = () =>
    createSegment(
      { name: 'toys', prefix: 'TOYS' },
      { workers: 1, maxWorkers: slots, metricsBytesPerWorker: regionBytes, metricsDir: folder },
      {} as never,
    )
  expect(make).toThrow('TOYS_MAX_WORKERS')
  expect(readdirSync(folder)).toEqual([])
  rmSync(folder, { recursive: true })
})
