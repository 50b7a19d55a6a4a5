/** What benchmarks share: load through wrk, and the CPU time that a process used meanwhile. */
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
  const wrk = Bun.spawn(['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, url], {
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const report = await new Response(wrk.stdout).text()
  const cpuUs = readProcess(pid)!.cpuUs - before
  const requests = Number(/(\d+) requests in/.exec(report)?.[1])
  if (!(requests > 0) || report.includes('Non-2xx')) throw new Error(`the load failed:\n${report}`)
  return { requests, requestsPerSecond: requests / seconds, cpuUsPerRequest: cpuUs / requests }
}
