import { afterAll, expect, setSystemTime, test } from 'bun:test'
import { dateLine } from './date.ts'

afterAll(() => void setSystemTime())

test('the line has the time of its second', () => {
  for (const [time, expected] of [
    ['2026-01-01T00:00:00.000Z', 'Thu, 01 Jan 2026 00:00:00 GMT'],
    ['2026-01-01T00:00:00.999Z', 'Thu, 01 Jan 2026 00:00:00 GMT'],
    ['2026-01-01T00:00:01.000Z', 'Thu, 01 Jan 2026 00:00:01 GMT'],
    ['2025-12-31T23:59:59.000Z', 'Wed, 31 Dec 2025 23:59:59 GMT'],
  ] as const) {
    setSystemTime(new Date(time))
    expect(dateLine()).toBe(`Date: ${expected}\r\n`)
  }
})
