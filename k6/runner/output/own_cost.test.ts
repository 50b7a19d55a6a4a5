import { expect, spyOn, test } from 'bun:test'
import { Metrics } from '../metrics/metrics.ts'
import { costSince } from './own_cost.ts'

/** The line for this many requests in four seconds with one second of CPU time. */
function lineFor(requests: number): string {
  const metrics = new Metrics()
  const before = { user: 1_000_000, system: 500_000 }
  using cpu = spyOn(process, 'cpuUsage').mockReturnValueOnce(before)
  using now = spyOn(performance, 'now').mockReturnValueOnce(1000)
  using memory = spyOn(process.memoryUsage, 'rss').mockReturnValue(96 * 2 ** 20)
  const cost = costSince(metrics)
  for (let request = 0; request < requests; request++) {
    metrics.add('http_reqs', 1, metrics.tagSet({}))
    metrics.add('iterations', 1, metrics.tagSet({}))
  }
  cpu.mockReturnValueOnce({ user: 600_000, system: 400_000 })
  now.mockReturnValueOnce(5000)
  const line = cost()
  expect(cpu.mock.calls).toEqual([[], [before]])
  expect(memory).toHaveBeenCalledTimes(1)
  return line
}

test('the cost is the CPU time of user and system for each request, and of the time that passed', () => {
  expect(lineFor(100)).toBe(
    'The load test itself took 10000 µs of CPU for each request, 25 % of one processor, and 96 MiB of memory.',
  )
})

test('without a request it is that of all', () => {
  expect(lineFor(0)).toContain('took 1000000 µs of CPU for each request')
})
