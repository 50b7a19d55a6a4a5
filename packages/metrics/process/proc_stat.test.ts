import { expect, test } from 'bun:test'
import { parseProcStat, readProcStat } from './proc_stat.ts'

const TICK_US = 10_000
const FIELDS =
  'S 1 2 3 4 5 6 7 8 9 10 150 25 13 14 15 16 17 18 424242 8192000 300 18446744073709551615 1 1 0 0 0\n'

test.each([
  ['a plain name', '7 (bun) '],
  ['a name with spaces and brackets', '7 (a) (b c) R 9 ) '],
])('fields are counted after the command: %s', (_, head) => {
  expect(parseProcStat(head + FIELDS)).toEqual({
    state: 'S',
    startTicks: 424_242,
    userUs: 1_500_000,
    systemUs: 250_000,
    cpuUs: 1_750_000,
    vszBytes: 8_192_000,
    rssBytes: 300 * 4096,
  })
})

test('the numbers of this process are those that the runtime knows', () => {
  const before = process.cpuUsage()
  const { state, cpuUs, rssBytes, vszBytes } = readProcStat(process.pid)!
  const after = process.cpuUsage()
  expect(state).toBe('R')
  // Each of the two times is a whole number of ticks.
  expect(cpuUs).toBeWithin(before.user + before.system - 2 * TICK_US, after.user + after.system + 1)
  expect(Math.abs(process.memoryUsage.rss() - rssBytes)).toBeLessThan(32 * 1024 * 1024)
  expect(vszBytes).toBeGreaterThan(rssBytes)
})

test('a process that does not exist has no numbers', () => {
  expect(readProcStat(2 ** 22 + 1)).toBeUndefined()
})
