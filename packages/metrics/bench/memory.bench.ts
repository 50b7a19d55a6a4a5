/**
 * The memory of 1,000 series with 3 labels in the process that counts: counters and histograms of 14 buckets, on the heap store
 * and in a segment, against prom-client 15.1.3 and its successor @prometheus-io/client 0.16.1. Fresh processes, after
 * garbage collection: JavaScript heap with its external memory, and growth of the resident set, which includes the segment.
 * Run: `bun packages/metrics/bench/memory.bench.ts`
 */
import { join } from 'node:path'
import { median, ratio, rounded, spread, takeTurns } from './measure.ts'
import type { Growth, Library, Type } from './memory_subject.ts'

const ROUNDS = 7
const LIBRARIES: readonly Library[] = ['ours, heap', 'ours, segment', 'prom-client', '@prometheus-io/client']

const sentences: string[] = []
for (const type of ['counter', 'histogram'] as const) {
  const resident = new Map<Library, number[]>(LIBRARIES.map((library) => [library, []]))
  const heaps = await takeTurns(LIBRARIES, ROUNDS, async (library) => {
    const { heapBytes, rssBytes } = await grow(library, type)
    resident.get(library)!.push(rssBytes)
    return heapBytes
  })
  // Bytes for each series are thousands of bytes for 1,000.
  console.table(
    LIBRARIES.map((library) => ({
      [`1000 x ${type}`]: library,
      'heap kB (median)': rounded(median(heaps.get(library)!), 0),
      'heap, middle half': spread(heaps.get(library)!, 0),
      'RSS kB (median)': rounded(median(resident.get(library)!), 0),
      'RSS, middle half': spread(resident.get(library)!, 0),
    })),
  )
  const times = ratio(resident.get('prom-client')!, resident.get('ours, segment')!)
  sentences.push(`prom-client's resident set grows ${times.toFixed(1)} times as much as ours for a ${type}`)
}
console.log(`${sentences.join(', and ')}.`)

async function grow(library: Library, type: Type): Promise<Growth> {
  const subject = Bun.spawn([process.execPath, join(import.meta.dir, 'memory_subject.ts'), library, type], {
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const output = await new Response(subject.stdout).text()
  if ((await subject.exited) !== 0) throw new Error(`${library} cannot be measured`)
  return JSON.parse(output) as Growth
}
