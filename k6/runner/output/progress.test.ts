import { expect, jest, test } from 'bun:test'
import { newLog } from '../shared/log.ts'
import { Metrics } from '../metrics/metrics.ts'
import { Progress } from './progress.ts'

const facts = { name: 'smoke', durationMs: 90_000, users: () => 5 }

function lines(isTerminal: boolean, forMs: number): string {
  jest.useFakeTimers()
  let printed = ''
  const metrics = new Metrics()
  {
    using _ = new Progress(metrics, facts, (text) => (printed += text), isTerminal)
    const tags = metrics.tagSet({})
    for (const failed of [0, 0, 0, 1]) {
      metrics.add('http_reqs', 1, tags)
      metrics.add('http_req_duration', 4, tags)
      metrics.add('http_req_failed', failed, tags)
    }
    jest.advanceTimersByTime(forMs)
  }
  jest.useRealTimers()
  return printed
}

test('without a terminal there is a line every ten seconds', () => {
  expect(lines(false, 9999)).toBe('')
  const [first, second, ...others] = lines(false, 20_000).split('\n')
  expect(first).toMatch(/^smoke \d+:\d\d of 1:30, 5 users, \d+ requests\/s, p95 4\.0 ms, failed 25\.00 %$/)
  // Each line tells of the time since the one before.
  expect(second).toMatch(/, p95 0\.0 ms, failed 0\.00 %$/)
  expect(others).toEqual([''])
})

test('on a terminal one line moves each second, and is gone in the end', () => {
  const printed = lines(true, 3000)
  expect(printed.split('\r\u001B[K').length).toBe(5)
  expect(printed).not.toContain('\n')
  expect(printed).toEndWith('\r\u001B[K')
})

test('log lines are logfmt, and on a terminal a level and the seconds', () => {
  const written: string[] = []
  newLog((line) => written.push(line), false)('error', 'say "no"')
  newLog((line) => written.push(line), true, Date.now() - 61_000)('warning', 'say "no"')
  expect(written[0]).toMatch(/^time="\d{4}-\d\d-\d\dT[\d:.]+Z" level=error msg="say \\"no\\""\n$/)
  expect(written[1]).toBe('WARN[0061] say "no"\n')
})
