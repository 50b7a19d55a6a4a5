import { expect, test } from 'bun:test'
import { Scoreboard, CELL } from '../shared/scoreboard.ts'
import { RequestCounters } from './request_counters.ts'

const request = (startedMs: number, route = '') => ({
  startedMs,
  route,
  previous: undefined,
  next: undefined,
})

/** The requests in flight, as the scoreboard shows them. */
const shownOn = (scoreboard: Scoreboard) => {
  const { cells } = scoreboard
  return {
    inFlight: cells[CELL.inFlight],
    oldest: [cells[CELL.oldestMs], scoreboard.routeName(cells[CELL.oldestRoute]!)],
    latest: [cells[CELL.latestMs], scoreboard.routeName(cells[CELL.latestRoute]!)],
  }
}

test('requests are in flight from begin to end, and counted at their end', () => {
  const scoreboard = new Scoreboard()
  const tally = new RequestCounters(scoreboard)
  const [first, second] = [request(100), request(150)]
  tally.begin(first)
  tally.begin(second)
  expect(tally.inFlight).toBe(2)
  tally.end(first, 210)
  expect(scoreboard.cells[CELL.requests]).toBe(1)
  expect(scoreboard.cells[CELL.busyMs]).toBe(110)
  tally.end(second, 250)
  expect(tally.inFlight).toBe(0)
  expect(scoreboard.cells[CELL.requests]).toBe(2)
  expect(scoreboard.cells[CELL.busyMs]).toBe(210)
})

test('the scoreboard shows the oldest request and the latest, in any order of their ends', () => {
  const scoreboard = new Scoreboard()
  const tally = new RequestCounters(scoreboard)
  const [a, b, c] = [request(1, '/a/'), request(2, '/b/'), request(3, '/c/')]
  for (const each of [a, b, c]) tally.begin(each)
  expect(shownOn(scoreboard)).toEqual({ inFlight: 3, oldest: [1, '/a/'], latest: [3, '/c/'] })
  tally.end(b, 5)
  expect(shownOn(scoreboard)).toEqual({ inFlight: 2, oldest: [1, '/a/'], latest: [3, '/c/'] })
  tally.end(a, 5)
  expect(shownOn(scoreboard)).toEqual({ inFlight: 1, oldest: [3, '/c/'], latest: [3, '/c/'] })
  tally.end(c, 5)
  expect(shownOn(scoreboard)).toEqual({ inFlight: 0, oldest: [0, ''], latest: [0, ''] })
})

test('while one of three ends, the route of the latest and of the oldest one stay their own', () => {
  const scoreboard = new Scoreboard()
  const tally = new RequestCounters(scoreboard)
  const [a, b, c] = [request(1, '/a/'), request(2), request(3, '/c/')]
  for (const each of [a, b, c]) tally.begin(each)
  b.route = '/b/'
  tally.route(b)
  expect(shownOn(scoreboard)).toMatchObject({ oldest: [1, '/a/'], latest: [3, '/c/'] })
  tally.end(c, 4)
  expect(shownOn(scoreboard)).toMatchObject({ oldest: [1, '/a/'], latest: [2, '/b/'] })
  const d = request(5, '/d/')
  tally.begin(d)
  tally.end(a, 6)
  expect(shownOn(scoreboard)).toEqual({ inFlight: 2, oldest: [2, '/b/'], latest: [5, '/d/'] })
  d.route = '/late/'
  tally.route(d)
  expect(shownOn(scoreboard)).toMatchObject({ oldest: [2, '/b/'], latest: [5, '/late/'] })
})

test('after the last one has ended, the next one is the oldest and the latest', () => {
  const scoreboard = new Scoreboard()
  const tally = new RequestCounters(scoreboard)
  const first = request(1, '/a/')
  tally.begin(first)
  tally.end(first, 2)
  tally.begin(request(3, '/b/'))
  expect(shownOn(scoreboard)).toEqual({ inFlight: 1, oldest: [3, '/b/'], latest: [3, '/b/'] })
})

test('errors and bytes are on the scoreboard, and an app has not taken the counters until it does', () => {
  const scoreboard = new Scoreboard()
  const tally = new RequestCounters(scoreboard)
  tally.exceptions++
  tally.exceptions++
  tally.sentBytes += 100
  expect([tally.exceptions, tally.sentBytes, tally.isCountedByApp]).toEqual([2, 100, false])
  expect([scoreboard.cells[CELL.exceptions], scoreboard.cells[CELL.sentBytes]]).toEqual([2, 100])
})

test('a route that is known late is shown from then on', () => {
  const scoreboard = new Scoreboard()
  const tally = new RequestCounters(scoreboard)
  const [a, b] = [request(1), request(2)]
  tally.begin(a)
  tally.begin(b)
  a.route = '/late/'
  tally.route(a)
  expect(shownOn(scoreboard)).toMatchObject({ oldest: [1, '/late/'], latest: [2, ''] })
  tally.end(b, 3)
  expect(shownOn(scoreboard)).toMatchObject({ latest: [1, '/late/'] })
})

test('a worker that takes a scoreboard over continues its counts, without the requests and routes before', () => {
  const cells = new Scoreboard().cells
  const before = new RequestCounters(new Scoreboard(cells))
  before.begin(request(1, '/old/'))
  before.sentBytes = 17
  const scoreboard = new Scoreboard(cells).takeOver()
  const after = new RequestCounters(scoreboard)
  expect(shownOn(scoreboard)).toEqual({ inFlight: 0, oldest: [0, ''], latest: [0, ''] })
  expect(after.sentBytes).toBe(17)
  after.begin(request(5, '/new/'))
  expect(shownOn(scoreboard)).toMatchObject({ oldest: [5, '/new/'] })
})

test('routes without room have no name, long ones lose their end, and none is mixed up', () => {
  const scoreboard = new Scoreboard()
  const names = Array.from({ length: 100 }, (_, i) => `/route/${i}/`)
  const numbers = names.map((name) => scoreboard.routeNumber(name))
  const known = numbers.filter((number) => number !== 0)
  expect(known.length).toBeGreaterThan(50)
  expect(known.map((number) => scoreboard.routeName(number))).toEqual(names.slice(0, known.length))
  expect(numbers.map((_, i) => scoreboard.routeNumber(names[i]!))).toEqual(numbers)
  expect(new Scoreboard().routeName(scoreboard.routeNumber('x'))).toBe('')
  const other = new Scoreboard()
  expect(other.routeName(other.routeNumber(`/${'x'.repeat(200)}/`))).toBe(`/${'x'.repeat(63)}`)
})
