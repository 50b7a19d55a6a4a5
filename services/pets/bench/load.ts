/** For benchmarks: load by wrk, and the CPU time of a process meanwhile. */
import { load } from '@bun-monitoring/metrics/bench'
import { readProcess } from '@bun-monitoring/prefork/procfs'

export interface Measurement {
  requests: number
  requestsPerSecond: number
  cpuUsPerRequest: number
}

/** Requests `url` over keep-alive connections and measures the CPU time of the process. */
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
