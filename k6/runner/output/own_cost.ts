/** What the load test itself takes of the machine, which it may share with what it loads. */

import type { Metrics } from '../metrics/metrics.ts'

const BYTES_PER_MIB = 2 ** 20

/** Starts to count. @returns a function that says in one line what was taken since */
export function costSince(metrics: Metrics): () => string {
  let requests = 0
  metrics.listen(({ metric }) => void (metric === 'http_reqs' && requests++))
  const before = process.cpuUsage()
  const startedMs = performance.now()
  return () => {
    const { user, system } = process.cpuUsage(before)
    const cpuUs = user + system
    const ofOneProcessor = cpuUs / (1000 * (performance.now() - startedMs))
    return (
      `The load test itself took ${(cpuUs / Math.max(1, requests)).toFixed(0)} µs of CPU for each request, ` +
      `${(100 * ofOneProcessor).toFixed(0)} % of one processor, and ${(process.memoryUsage.rss() / BYTES_PER_MIB).toFixed(0)} MiB of memory.`
    )
  }
}
