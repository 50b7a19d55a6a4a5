import { afterAll, afterEach, beforeEach, expect, jest, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Metrics } from '../metrics/metrics.ts'
import { writeJson } from './json_output.ts'

const folder = mkdtempSync(join(tmpdir(), 'json-output-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => void jest.useFakeTimers({ now: new Date('2026-01-02T03:04:05.678Z') }))
afterEach(() => void jest.useRealTimers())

test('each sample is a line with its time, value and tags, in the file a moment later', async () => {
  const path = join(folder, 'samples.json')
  const metrics = new Metrics()
  const output = writeJson(metrics, path)
  const lines = () =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  const point = (metric: string, value: number, tags: object) => ({
    metric,
    type: 'Point',
    data: { time: '2026-01-02T03:04:05.678Z', value, tags },
  })
  metrics.add('http_reqs', 1, metrics.tagSet({ op: 'list', status: '200' }))
  metrics.add('vus', 7, metrics.tagSet({}))
  jest.advanceTimersByTime(200)
  const first = [point('http_reqs', 1, { op: 'list', status: '200' }), point('vus', 7, {})]
  for (let turn = 0; turn < 100 && readFileSync(path).length === 0; turn++) await Promise.resolve()
  expect(lines()).toEqual(first)

  jest.setSystemTime(new Date('2026-01-02T03:04:05.678Z'))
  metrics.add('vus', 8, metrics.tagSet({}))
  await output[Symbol.asyncDispose]()
  expect(lines()).toEqual([...first, point('vus', 8, {})])
})
