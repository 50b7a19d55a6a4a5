import { afterEach, expect, setSystemTime, test } from 'bun:test'
import { AccessLog } from './access_log.ts'

afterEach(() => void setSystemTime())

const entry = (status: number) => ({ client: 'a', request: 'GET /', route: 'r', status })

function logOf(access: 'errors' | 'all', errorsPerSecond: number) {
  const lines: { level: string; msg: string; lines?: number }[] = []
  let leftOut = 0
  const write = (text: string) =>
    void lines.push(
      ...text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    )
  const log = new AccessLog({ access, errorsPerSecond, sample2xx: 1 }, write, { inc: () => void leftOut++ })
  return { log, lines, leftOut: () => leftOut }
}

test('lines about errors are bounded in each second, and the others counted in a line and a metric', () => {
  const access = 'errors'
  const { log, lines, leftOut } = logOf(access, 3)
  setSystemTime(1_000_000)
  for (let i = 0; i < 10; i++) log.add(access, entry(404))
  log.flush()
  expect(lines.map(({ msg }) => msg)).toEqual(['request', 'request', 'request'])
  expect(leftOut()).toBe(7)
  setSystemTime(1_000_999)
  log.add(access, entry(404))
  log.flush()
  expect(lines).toHaveLength(3)
  setSystemTime(1_001_000)
  log.flush()
  expect(lines.at(-1)).toMatchObject({ level: 'warn', lines: 8 })
  for (let i = 0; i < 3; i++) log.add(access, entry(404))
  log.flush()
  expect(lines).toHaveLength(7)
  setSystemTime(1_002_000)
  log.flush()
  expect(lines).toHaveLength(7)
})

test('a log of all requests is not bounded', () => {
  const access = 'all'
  const { log, lines } = logOf(access, 1)
  setSystemTime(1_000_000)
  for (let i = 0; i < 10; i++) log.add(access, entry(404))
  log.flush()
  expect(lines).toHaveLength(10)
})
