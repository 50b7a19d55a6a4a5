import { expect, test } from 'bun:test'
import { RequestTally } from './tally.ts'

test('requests are in flight from begin to end, and counted at their end', () => {
  const tally = new RequestTally()
  const first = tally.begin(100)
  const second = tally.begin(150)
  expect(tally.inFlight).toBe(2)
  expect(tally.oldestMs(200)).toBe(100)
  tally.end(first, 210)
  expect(tally).toMatchObject({ inFlight: 1, requests: 1, busyMs: 110 })
  expect(tally.oldestMs(200)).toBe(50)
  tally.end(second, 250)
  expect(tally).toMatchObject({ inFlight: 0, requests: 2, busyMs: 210 })
  expect(tally.oldestMs(300)).toBe(0)
})

test('a request that ends twice counts once', () => {
  const tally = new RequestTally()
  const request = tally.begin(0)
  tally.end(request, 10)
  tally.end(request, 20)
  expect(tally).toMatchObject({ requests: 1, busyMs: 10 })
})
