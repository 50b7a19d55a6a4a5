/**
 * The process that memory.bench.ts measures: it makes series with the library and of the type that its arguments name, and
 * prints how much memory that took.
 */
import { heapStats } from 'bun:jsc'
import { setImmediate } from 'node:timers/promises'
import * as successor from '@prometheus-io/client'
import * as promClient from 'prom-client'
import { Counter, Histogram, HTTP_DURATION_BUCKETS, Registry, Segment } from '../index.ts'

export type Library = keyof typeof libraries
export type Type = 'counter' | 'histogram'
/** Bytes for each series. */
export interface Growth {
  heapBytes: number
  rssBytes: number
}

const SERIES = 10_000
const REGION_BYTES = 4 * 1024 * 1024

interface Client {
  Counter: new (options: object) => { labels(...values: string[]): { inc(): void } }
  Histogram: new (options: object) => { labels(...values: string[]): { observe(value: number): void } }
}

const own = { Counter, Histogram } as unknown as Client
const libraries = {
  'ours, heap': () => [own, new Registry()] as const,
  'ours, segment': () => [own, sharedRegistry()] as const,
  'prom-client': () => [promClient as unknown as Client, new promClient.Registry()] as const,
  '@prometheus-io/client': () => [successor as unknown as Client, new successor.Registry()] as const,
}

const [client, registry] = libraries[Bun.argv[2] as Library]()
const type = Bun.argv[3] as Type
// Code that is compiled and pages that are touched once are not the series'.
fill(1000, 'warm_up')
const before = await memory()
fill(SERIES, 'measured')
const after = await memory()
const page = await registry.metrics()
if (!page.includes(`measured_${type}`)) throw new Error('the series are not there')
const growth: Growth = {
  heapBytes: (after.heapBytes - before.heapBytes) / SERIES,
  rssBytes: (after.rssBytes - before.rssBytes) / SERIES,
}
console.log(JSON.stringify(growth))

function fill(series: number, name: string): void {
  const options = {
    name: `${name}_${type}`,
    help: 'bench',
    labelNames: ['method', 'route', 'status'],
    buckets: [...HTTP_DURATION_BUCKETS],
    maxLabelSets: 2 * SERIES,
    registers: [registry],
  }
  const { Counter, Histogram } = client
  const count = type === 'counter' ? new Counter(options) : new Histogram(options)
  for (let i = 0; i < series; i++) {
    const child = count.labels(
      i % 2 === 0 ? 'GET' : 'POST',
      `/things/${i >> 2}/:id/`,
      i % 4 < 2 ? '200' : '404',
    )
    if ('inc' in child) child.inc()
    else child.observe(0.02)
  }
}

async function memory(): Promise<Growth> {
  for (let i = 0; i < 3; i++) {
    Bun.gc(true)
    await setImmediate()
  }
  const { heapSize, extraMemorySize } = heapStats()
  return { heapBytes: heapSize + extraMemorySize, rssBytes: process.memoryUsage.rss() }
}

function sharedRegistry(): Registry {
  const segment = Segment.create('bench', { slots: 1, regionBytes: REGION_BYTES })
  segment.remove()
  return new Registry(undefined, segment.writer(0))
}
