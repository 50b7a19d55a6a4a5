/**
 * The cost of one event in the process that counts: `inc` and `observe` on kept children, through `labels()` with 3 values and
 * with labels by name, on the heap store and in a segment, against prom-client 15.1.3, its successor
 * @prometheus-io/client 0.16.1, and plain stores to a Float64Array. CPU time, fresh processes.
 * Goals: a kept child at most 2 times the plain store, `labels()` at least 3 times cheaper than prom-client's.
 * Run: `bun packages/metrics/bench/record.bench.ts`
 */
import { join } from 'node:path'
import { median, ratio, rounded, spread, takeTurns } from './measure.ts'
import type { Costs, Library } from './record_subject.ts'

const ROUNDS = 9
const WAYS = [
  'inc kept',
  'inc labels()',
  'inc by name',
  'observe kept',
  'observe labels()',
  'observe by name',
] as const

const libraries: (Library | 'Float64Array')[] = [
  'Float64Array',
  'ours, heap',
  'ours, segment',
  'prom-client',
  '@prometheus-io/client',
]
const results = new Map(libraries.map((library) => [library, [] as Partial<Costs>[]]))
await takeTurns(libraries, ROUNDS, async (library) => results.get(library)!.push(await run(library)))

const costs = (library: Library | 'Float64Array', way: keyof Costs): number[] =>
  results.get(library)!.flatMap((each) => each[way] ?? [])
const floorOf = (way: keyof Costs) =>
  costs('Float64Array', way.startsWith('inc') ? 'inc kept' : 'observe kept')

console.table(
  WAYS.flatMap((way) =>
    libraries
      .filter((library) => costs(library, way).length > 0)
      .map((library) => ({
        event: way,
        with: library,
        'CPU ns/call (median)': rounded(median(costs(library, way)), 1),
        'middle half': spread(costs(library, way)),
        'times the plain stores': rounded(ratio(costs(library, way), floorOf(way)), 1),
      })),
  ),
)
for (const event of ['inc', 'observe'] as const) {
  const ours = costs('ours, segment', `${event} labels()`)
  const kept = ratio(costs('ours, segment', `${event} kept`), floorOf(`${event} kept`))
  const [promClient, successor] = (['prom-client', '@prometheus-io/client'] as const).map((library) =>
    ratio(costs(library, `${event} labels()`), ours).toFixed(1),
  )
  console.log(
    `${event}, in a segment: a kept child costs ${kept.toFixed(1)} times the plain stores; through labels() ` +
      `prom-client costs ${promClient} times ours, @prometheus-io/client ${successor} times.`,
  )
}

async function run(library: Library | 'Float64Array'): Promise<Partial<Costs>> {
  const subject = Bun.spawn([process.execPath, join(import.meta.dir, 'record_subject.ts'), library], {
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const output = await new Response(subject.stdout).text()
  if ((await subject.exited) !== 0) throw new Error(`${library} cannot be measured`)
  return JSON.parse(output) as Partial<Costs>
}
