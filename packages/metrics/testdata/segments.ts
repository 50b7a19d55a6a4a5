/** For tests of the segment: segments that are removed with the test, and their pages. */
import { afterAll } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Counter } from '../api/counter.ts'
import { Gauge } from '../api/gauge.ts'
import { Histogram } from '../api/histogram.ts'
import { Registry } from '../api/registry.ts'
import { Segment } from '../storage/segment.ts'
import { Summary } from '../api/summary.ts'
import { renderText } from '../format/text.ts'
import { samplesOf } from './strict.ts'

export const REGION_BYTES = 16 * 1024
export const help = 'Help'

/** A folder for the segments of a file of tests, and how to make one there. */
export function segmentFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'metrics-segment-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  let made = 0
  const create = (slots = 2, regionBytes = REGION_BYTES): Segment =>
    Segment.create(`t${made++}`, { slots, regionBytes }, folder)
  return { folder, create }
}

/** For metrics whose numbers are in this region. */
export const registersOf = (segment: Segment, region: number): Registry[] => [
  new Registry(undefined, segment.writer(region)),
]

export const pageOf = (segment: Segment): Map<string, number> => samplesOf(renderText(segment.families()))

/** The page without the families that every page of a segment has. */
export const shown = (segment: Segment): Record<string, number> =>
  Object.fromEntries([...pageOf(segment)].filter(([key]) => !key.startsWith('metrics_')))

/** Of each type something, in a region. */
export function work(segment: Segment, region: number) {
  const registers = registersOf(segment, region)
  const counter = new Counter({ name: 'a_total', help, labelNames: ['route'], registers })
  const gauge = new Gauge({ name: 'b', help, registers })
  const histogram = new Histogram({ name: 'c', help, labelNames: ['route'], buckets: [0.25, 10], registers })
  const summary = new Summary({ name: 'd', help, registers })
  return (route: string) => {
    counter.inc({ route })
    gauge.inc()
    histogram.observe({ route }, 0.5)
    summary.observe(2)
  }
}
