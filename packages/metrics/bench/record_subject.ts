/**
 * The process that record.bench.ts measures: it counts with the library that its argument names, and prints the CPU time of
 * each way to do that. One library for each process, because an engine makes slower code of a loop that has seen two.
 */
import { Counter, Histogram, Registry, Segment } from '../index.ts'
import { ownCpuUs } from './measure.ts'

export type Library = keyof typeof libraries
/** Nanoseconds for each call. */
export type Costs = Record<`${'inc' | 'observe'} ${'kept' | 'labels()' | 'by name'}`, number>

/** Calls in one go, and for how long they go on: once to warm up, once to measure. */
const CALLS = 50_000
const CPU_US = 100_000
/** Label sets and values: the events go round them. */
const SETS = 16
const VALUES = 64
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const LABELS = Array.from({ length: SETS }, (_, i) => ({
  method: ['GET', 'POST', 'PUT', 'DELETE'][i % 4]!,
  route: `/pets/${i >> 2}/:id/`,
  status: i % 2 === 0 ? 200 : 404,
}))
const SECONDS = Array.from({ length: VALUES }, (_, i) => 0.0001 * 1.1 ** i)

/** The common part of all the libraries. */
interface CounterLike {
  labels(...values: (string | number)[]): { inc(): void }
  inc(labels: (typeof LABELS)[number]): void
}

interface HistogramLike {
  labels(...values: (string | number)[]): { observe(value: number): void }
  observe(labels: (typeof LABELS)[number], value: number): void
}

interface Subject {
  counter(name: string): CounterLike
  histogram(name: string): HistogramLike
  registry: { metrics(): Promise<string> }
}

const libraries = {
  'ours, heap': async () => ours(new Registry()),
  'ours, segment': async () => {
    const segment = Segment.create('bench', { slots: 1 })
    segment.remove()
    return ours(new Registry(undefined, segment.writer(0)))
  },
  'prom-client': async () => theirs(await import('prom-client')),
  '@prometheus-io/client': async () =>
    theirs((await import('@prometheus-io/client')) as unknown as typeof import('prom-client')),
}

let called = 0

const name = Bun.argv[2] as Library | 'Float64Array'
console.log(JSON.stringify(name === 'Float64Array' ? plain() : await library(await libraries[name]())))

async function library({ counter, histogram, registry }: Subject): Promise<Costs> {
  const keptCounter = counter('a_total')
  const labelledCounter = counter('b_total')
  const namedCounter = counter('c_total')
  const keptHistogram = histogram('d')
  const labelledHistogram = histogram('e')
  const namedHistogram = histogram('f')
  const counters = LABELS.map(({ method, route, status }) => keptCounter.labels(method, route, status))
  const histograms = LABELS.map(({ method, route, status }) => keptHistogram.labels(method, route, status))

  const costs: Costs = {
    'inc kept': cost((calls) => {
      for (let i = 0; i < calls; i++) counters[i % SETS]!.inc()
    }),
    'inc labels()': cost((calls) => {
      for (let i = 0; i < calls; i++) {
        const { method, route, status } = LABELS[i % SETS]!
        labelledCounter.labels(method, route, status).inc()
      }
    }),
    'inc by name': cost((calls) => {
      for (let i = 0; i < calls; i++) namedCounter.inc(LABELS[i % SETS]!)
    }),
    'observe kept': cost((calls) => {
      for (let i = 0; i < calls; i++) histograms[i % SETS]!.observe(SECONDS[i % VALUES]!)
    }),
    'observe labels()': cost((calls) => {
      for (let i = 0; i < calls; i++) {
        const { method, route, status } = LABELS[i % SETS]!
        labelledHistogram.labels(method, route, status).observe(SECONDS[i % VALUES]!)
      }
    }),
    'observe by name': cost((calls) => {
      for (let i = 0; i < calls; i++) namedHistogram.observe(LABELS[i % SETS]!, SECONDS[i % VALUES]!)
    }),
  }
  // The page is read in the end, so that the engine cannot leave out the counting.
  const page = await registry.metrics()
  const lines = page.split('\n').filter((line) => /^([abc]_total|[def]_count)\{/.test(line))
  check(lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0))
  return costs
}

/** The floor: nothing but the stores, and for a histogram the search for its bucket. */
function plain(): Pick<Costs, 'inc kept' | 'observe kept'> {
  const width = BUCKETS.length + 2
  const counts = new Float64Array(SETS)
  const observed = new Float64Array(SETS * width)
  const costs = {
    'inc kept': cost((calls) => {
      for (let i = 0; i < calls; i++) counts[i % SETS]! += 1
    }),
    'observe kept': cost((calls) => {
      for (let i = 0; i < calls; i++) {
        const value = SECONDS[i % VALUES]!
        const at = (i % SETS) * width
        let bucket = 0
        while (bucket < BUCKETS.length && value > BUCKETS[bucket]!) bucket++
        observed[at + 1 + bucket]! += 1
        observed[at]! += value
      }
    }),
  }
  const events = observed.filter((_, i) => i % width !== 0)
  check([...counts, ...events].reduce((sum, each) => sum + each))
  return costs
}

function check(counted: number): void {
  if (counted !== called) throw new Error(`${name} counted ${counted} of ${called}`)
}

/** Nanoseconds for each call. */
function cost(run: (calls: number) => void): number {
  go(run)
  const [calls, us] = go(run)
  return (us * 1000) / calls
}

function go(run: (calls: number) => void): [calls: number, us: number] {
  const before = ownCpuUs()
  let calls = 0
  let us = 0
  for (; us < CPU_US; us = ownCpuUs() - before) {
    run(CALLS)
    calls += CALLS
  }
  called += calls
  return [calls, us]
}

function ours(registry: Registry): Subject {
  const registers = [registry]
  return {
    registry,
    counter: (name) => new Counter({ name, help: name, labelNames: Object.keys(LABELS[0]!), registers }),
    histogram: (name) =>
      new Histogram({ name, help: name, labelNames: Object.keys(LABELS[0]!), buckets: BUCKETS, registers }),
  }
}

/** Both of the others: their interfaces are the same. */
function theirs(client: typeof import('prom-client')): Subject {
  const registry = new client.Registry()
  const registers = [registry]
  const options = (name: string) => ({ name, help: name, labelNames: Object.keys(LABELS[0]!), registers })
  return {
    registry,
    counter: (name) => new client.Counter(options(name)) as unknown as CounterLike,
    histogram: (name) =>
      new client.Histogram({ ...options(name), buckets: BUCKETS }) as unknown as HistogramLike,
  }
}
