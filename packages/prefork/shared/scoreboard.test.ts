/** The scoreboard: where each value is, what a new worker finds there, and what its master reads about requests. */
import { expect, test } from 'bun:test'
import { BOARD_WORDS } from '@bun-monitoring/metrics'
import { CELL, NO_ROUTE, Scoreboard } from './scoreboard.ts'

test('the places are fixed: after a reload a master reads what workers of newer code write', () => {
  expect(CELL).toEqual({
    turnedMs: 0,
    lagMs: 1,
    requests: 2,
    exceptions: 3,
    sentBytes: 4,
    busyMs: 5,
    inFlight: 6,
    oldestMs: 7,
    oldestRoute: 8,
    latestMs: 9,
    latestRoute: 10,
    routes: 15,
  })
})

const filled = () => new Scoreboard(new Float64Array(BOARD_WORDS).fill(1))
/** The cells before the names of routes that are 0. */
const clearedOf = ({ cells }: Scoreboard) =>
  Array.from(cells.subarray(0, 16), (value, cell) => (value === 0 ? cell : -1)).filter((cell) => cell >= 0)

test('a new worker finds the counts, and nothing of the worker before it', () => {
  expect(clearedOf(filled().takeOver())).toEqual([0, 1, 6, 7, 8, 9, 10, 15])
})

test('a dead worker has no requests in flight', () => {
  const scoreboard = filled()
  scoreboard.clearRequests()
  expect(clearedOf(scoreboard)).toEqual([6, 7, 8, 9, 10])
})

test('the age of a request is that on the clock of its worker, in whole milliseconds', () => {
  const scoreboard = new Scoreboard()
  const { cells } = scoreboard
  cells[CELL.oldestMs] = 100.25
  cells[CELL.oldestRoute] = scoreboard.routeNumber('/old/')
  cells[CELL.latestMs] = 200
  expect(scoreboard.requests(350)).toEqual({
    oldest: { route: '/old/', ageMs: 250 },
    latest: { route: '', ageMs: 150 },
  })
  // The request may have begun after the last turn of the event loop.
  expect(scoreboard.latest(199.9)).toEqual({ route: '', ageMs: 0 })
  cells[CELL.latestMs] = 0
  expect(scoreboard.latest(350)).toBeUndefined()
  cells[CELL.latestMs] = 1
  expect(scoreboard.latest(3)).toEqual({ route: '', ageMs: 2 })
})

test('a route that is not known has no number and no name', () => {
  const scoreboard = new Scoreboard()
  expect(scoreboard.routeNumber('')).toBe(NO_ROUTE)
  expect(scoreboard.cells[CELL.routes]).toBe(0)
  expect(scoreboard.routeNumber('/a/')).toBe(1)
  expect([0, -1, 1, 2].map((number) => scoreboard.routeName(number))).toEqual(['', '', '/a/', ''])
})

test('a route takes its words after another worker has had longer names there', () => {
  const cells = new Float64Array(BOARD_WORDS)
  new Scoreboard(cells).routeNumber('/a/long/name/')
  const next = new Scoreboard(cells).takeOver()
  expect(next.routeName(next.routeNumber('/b/'))).toBe('/b/')
})
