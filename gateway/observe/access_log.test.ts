import { afterEach, expect, setSystemTime, spyOn, test } from 'bun:test'
import { AccessLog, type AccessLogMode } from './access_log.ts'

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

test('a single line that is left out is reported, too, and none is reported as none', () => {
  const { log, lines } = logOf('errors', 1)
  for (const [second, added] of [
    [1000, 1],
    [1001, 2],
    [1002, 0],
  ] as const) {
    setSystemTime(second * 1000)
    for (let i = 0; i < added; i++) log.add('errors', entry(404))
    log.flush()
  }
  expect(lines.map(({ level, lines: leftOut }) => [level, leftOut])).toEqual([
    ['info', undefined],
    ['info', undefined],
    ['warn', 1],
  ])
})

test('a log of all requests is not bounded', () => {
  const access = 'all'
  const { log, lines } = logOf(access, 1)
  setSystemTime(1_000_000)
  for (let i = 0; i < 10; i++) log.add(access, entry(404))
  log.flush()
  expect(lines).toHaveLength(10)
})

test.each<[AccessLogMode, number, boolean]>([
  ['off', 200, false],
  ['off', 500, false],
  ['errors', 200, false],
  ['errors', 399, false],
  ['errors', 400, true],
  ['errors', 599, true],
  ['all', 101, true],
  ['all', 199, true],
  ['all', 200, false],
  ['all', 299, false],
  ['all', 300, true],
  ['all', 404, true],
])('of mode %s with a sample of none a status %d has a line: %p', (mode, status, hasLine) => {
  const log = new AccessLog({ access: 'all', errorsPerSecond: 1, sample2xx: 0 }, () => {})
  expect(log.takes(status, mode)).toBe(hasLine)
})

test.each([
  [0.5, 0.499, true],
  [0.5, 0.5, false],
  [1, 0.999_999, true],
])('a share of %p takes a request whose number is %p: %p', (sample2xx, random, hasLine) => {
  using _ = spyOn(Math, 'random').mockReturnValue(random)
  const log = new AccessLog({ access: 'all', errorsPerSecond: 1, sample2xx }, () => {})
  expect(log.takes(204, 'all')).toBe(hasLine)
})

test('a line begins like the other lines of the process, and lines are written together', () => {
  const written: string[] = []
  const log = new AccessLog(
    { access: 'all', errorsPerSecond: 1, sample2xx: 1 },
    (text) => void written.push(text),
  )
  setSystemTime(1_000_000)
  log.flush()
  expect(written).toEqual([])
  log.add('all', entry(200))
  log.add('all', entry(404))
  log.flush()
  log.flush()
  const head =
    '{"level":"info","time":1000000,"name":"gateway","msg":"request","client":"a","request":"GET /","route":"r"'
  expect(written).toEqual([`${head},"status":200}\n${head},"status":404}\n`])
})

test('lines are written early if there are many', () => {
  const written: string[] = []
  const log = new AccessLog(
    { access: 'all', errorsPerSecond: 1, sample2xx: 1 },
    (text) => void written.push(text),
  )
  const long = { ...entry(200), request: 'x'.repeat(1000) }
  let added = 0
  while (written.length === 0) {
    log.add('all', long)
    added++
  }
  expect(written[0]!.length).toBeWithin(65_537, 67_000)
  expect(written[0]!.match(/\n/g)).toHaveLength(added)
})
