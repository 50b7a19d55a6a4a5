/** What benchmarks share: load through wrk, and the CPU time that a process used meanwhile. */
import { load } from '@bun-monitoring/metrics/bench'
import { readProcess } from '@bun-monitoring/prefork/procfs'

export interface Measurement {
  requests: number
  requestsPerSecond: number
  cpuUsPerRequest: number
}

/** Asks `url` over `connections` keep-alive connections for some seconds, and looks at what it cost the process. */
export async function measure(
  pid: number,
  url: string,
  connections: number,
  seconds: number,
): Promise<Measurement> {
  const before = readProcess(pid)!.cpuUs
  const requests = await load(url, connections, seconds)
  const cpuUs = readProcess(pid)!.cpuUs - before
  return { requests, requestsPerSecond: requests / seconds, cpuUsPerRequest: cpuUs / requests }
}
