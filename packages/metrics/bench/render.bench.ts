/**
 * The cost of a page of 8 workers: rendered from a segment, against prom-client 15.1.3's AggregatorRegistry over
 * the same numbers, which it gets as the workers' JSON, parsed already (collecting, sending and parsing come on top there).
 * CPU time of the process that renders. The first page parses all series, later ones only new entries.
 * Goals: at least 10 times cheaper, and the same page at the same cost after 1,000 restarts of workers. `_created` lines, which are
 * as many as there are label sets, cost no more than the rest of an OpenMetrics page.
 * Run: `bun packages/metrics/bench/render.bench.ts`
 */
import * as promClient from 'prom-client'
import { Counter, Histogram, Registry, Segment } from '../index.ts'
import { CreationTimes } from '../format/created.ts'
import { renderOpenMetrics } from '../format/openmetrics.ts'
import { HTTP_DURATION_BUCKETS } from '../instrument/http_server.ts'
import { renderText } from '../format/text.ts'
import { cpuUsOfCall, median, ratio, rounded, spread, takeTurns } from './measure.ts'

const WORKERS = 8
const ROUNDS = 11
const RESTARTS = 1000
/** A family of counters with two labels and one of histograms with one, as often as it takes. */
const COUNTERS_EACH = 900
const HISTOGRAMS_EACH = 100
/** Such that all numbers keep their digits when each worker was restarted: bytes can be compared. */
const EVENTS = 125
const SECONDS = 2

type Page = string | Promise<string>

/** The engine keeps a string in pieces until it is read: the measured page ends as bytes. */
const encoder = new TextEncoder()
const bytesOf = async (page: Page): Promise<number> => encoder.encode(await page).length

for (const size of [1_000, 10_000]) await compare(size)
await restart(1_000)
await created(10_000)

async function compare(size: number): Promise<void> {
  const segment = newSegment()
  for (let worker = 0; worker < WORKERS; worker++) count(segment, worker, size, EVENTS)
  const items = await workersJson(size)

  let last = Segment.open(segment.path)
  const subjects: { name: string; render(): Page }[] = [
    { name: 'ours, first page', render: () => renderText((last = Segment.open(segment.path)).families()) },
    { name: 'ours, later pages', render: () => renderText(last.families()) },
    { name: 'prom-client', render: () => promClient.AggregatorRegistry.aggregate(items).metrics() },
  ]
  const [ours, , theirs] = await Promise.all(subjects.map(({ render }) => render()))
  if (samples(ours!) !== samples(theirs!)) throw new Error('the pages do not show the same numbers')

  const costs = await takeTurns(subjects, ROUNDS, ({ render }) => cpuUsOfCall(() => bytesOf(render())))
  segment.remove()
  const of = (i: number) => costs.get(subjects[i]!)!
  console.table(
    subjects.map((subject) => ({
      [`${WORKERS} workers, ${size} series each`]: subject.name,
      'CPU ms (median)': rounded(median(costs.get(subject)!) / 1000),
      'middle half': spread(costs.get(subject)!.map((us) => us / 1000)),
      'prom-client is': `${rounded(ratio(of(2), costs.get(subject)!), 1)} times`,
    })),
  )
  console.log(
    `${size} series (${ours!.length} bytes): prom-client needs ${ratio(of(2), of(1)).toFixed(1)} times the CPU of our later pages and ${ratio(of(2), of(0)).toFixed(1)} times that of the first.`,
  )
}

/** Two segments with the same series, one of them with workers that were replaced again and again. */
async function restart(size: number): Promise<void> {
  const [calm, restless] = [newSegment(), newSegment('restless')]
  for (const segment of [calm, restless]) {
    for (let worker = 0; worker < WORKERS; worker++) count(segment, worker, size, EVENTS)
  }
  const before = renderText(restless.families())
  for (let i = 0; i < RESTARTS; i++) count(restless, i % WORKERS, size, 1)
  const after = renderText(restless.families())
  const value = valueOf(after)
  if (value !== WORKERS * EVENTS + RESTARTS) throw new Error(`after the restarts a counter is ${value}`)

  const subjects = [
    { name: 'no restart', segment: calm, bytes: before.length },
    { name: `${RESTARTS} restarts`, segment: restless, bytes: after.length },
  ]
  const costs = await takeTurns(subjects, ROUNDS * 3, ({ segment }) =>
    cpuUsOfCall(() => bytesOf(renderText(segment.families()))),
  )
  for (const { segment } of subjects) segment.remove()
  console.table(
    subjects.map((subject) => ({
      [`${WORKERS} workers, ${size} series each`]: subject.name,
      'page bytes': subject.bytes,
      'CPU ms (median)': rounded(median(costs.get(subject)!) / 1000),
      'middle half': spread(costs.get(subject)!.map((us) => us / 1000)),
    })),
  )
  const times = ratio(costs.get(subjects[1]!)!, costs.get(subjects[0]!)!)
  console.log(
    `After ${RESTARTS} restarts the page has ${(after.length / before.length).toFixed(3)} times the bytes and costs ${times.toFixed(2)} times the CPU.`,
  )
}

/** A page of OpenMetrics with and without `_created` lines. */
async function created(size: number): Promise<void> {
  const segment = newSegment()
  count(segment, 0, size, EVENTS)
  const times = new CreationTimes(performance.timeOrigin / 1000)
  const subjects = [
    { name: 'OpenMetrics', render: () => renderOpenMetrics(segment.families()) },
    {
      name: 'with _created',
      render: () => renderOpenMetrics(segment.families(), undefined, times.page()),
    },
  ]
  const bytes = await Promise.all(subjects.map(({ render }) => bytesOf(render())))
  const costs = await takeTurns(subjects, ROUNDS, ({ render }) => cpuUsOfCall(() => bytesOf(render())))
  segment.remove()
  console.table(
    subjects.map((subject, index) => ({
      [`1 worker, ${size} series`]: subject.name,
      'page bytes': bytes[index],
      'CPU ms (median)': rounded(median(costs.get(subject)!) / 1000),
      'middle half': spread(costs.get(subject)!.map((us) => us / 1000)),
    })),
  )
}

function newSegment(suffix = 'calm'): Segment {
  return Segment.create(`bench-${suffix}`, { slots: WORKERS })
}

/** The life of a worker: it opens its slot's region, declares metrics, and counts some events. */
function count(segment: Segment, worker: number, size: number, events: number): void {
  const registry = new Registry(undefined, segment.writer(2 * worker))
  fill({ Counter, Histogram } as unknown as Client, registry, size, events)
  if (registry.store!.dropped > 0) throw new Error('the series do not fit into the region')
}

async function workersJson(size: number): Promise<object[]> {
  const items: object[] = []
  for (let worker = 0; worker < WORKERS; worker++) {
    const registry = new promClient.Registry()
    fill(promClient as unknown as Client, registry, size, EVENTS)
    items.push(JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as object)
  }
  return items
}

/** The constructors, as prom-client and we both have them. */
interface Client {
  Counter: new (options: object) => { labels(...values: string[]): { inc(value: number): void } }
  Histogram: new (options: object) => { labels(...values: string[]): { observe(value: number): void } }
}

function fill({ Counter, Histogram }: Client, registry: object, size: number, events: number): void {
  const registers = [registry]
  const families = size / (COUNTERS_EACH + HISTOGRAMS_EACH)
  for (let family = 0; family < families; family++) {
    const counter = new Counter({
      name: `requests_${family}_total`,
      help: 'Requests',
      labelNames: ['method', 'route'],
      registers,
    })
    for (let i = 0; i < COUNTERS_EACH; i++) {
      counter.labels(i % 2 === 0 ? 'GET' : 'POST', `/things/${i >> 1}/:id/`).inc(events)
    }
    const histogram = new Histogram({
      name: `duration_${family}_seconds`,
      help: 'Durations',
      labelNames: ['route'],
      buckets: [...HTTP_DURATION_BUCKETS],
      registers,
    })
    for (let i = 0; i < HISTOGRAMS_EACH; i++) {
      const child = histogram.labels(`/things/${i}/:id/`)
      for (let event = 0; event < events; event++) child.observe(SECONDS)
    }
  }
}

/** The samples of a page, sorted. */
function samples(page: string): string {
  const lines = page.split('\n').filter((line) => /^(requests|duration)_/.test(line))
  return lines.toSorted().join('\n')
}

function valueOf(page: string): number {
  return Number(/^requests_0_total\{.*\} (\d+)$/m.exec(page)?.[1])
}
