import { expect, test } from 'bun:test'
import { Board, CELL } from './board.ts'
import { RequestTally } from './tally.ts'

const request = (startedMs: number, route = '') => ({
  startedMs,
  route,
  previous: undefined,
  next: undefined,
})

/** What the board says of the requests in flight. */
const shownOn = (board: Board) => {
  const { cells } = board
  return {
    inFlight: cells[CELL.inFlight],
    oldest: [cells[CELL.oldestMs], board.routeName(cells[CELL.oldestRoute]!)],
    latest: [cells[CELL.latestMs], board.routeName(cells[CELL.latestRoute]!)],
  }
}

test('requests are in flight from begin to end, and counted at their end', () => {
  const board = new Board()
  const tally = new RequestTally(board)
  const [first, second] = [request(100), request(150)]
  tally.begin(first)
  tally.begin(second)
  expect(tally.inFlight).toBe(2)
  tally.end(first, 210)
  expect(board.cells[CELL.requests]).toBe(1)
  expect(board.cells[CELL.busyMs]).toBe(110)
  tally.end(second, 250)
  expect(tally.inFlight).toBe(0)
  expect(board.cells[CELL.requests]).toBe(2)
  expect(board.cells[CELL.busyMs]).toBe(210)
})

test('the board shows the oldest request and the latest, whichever ends first', () => {
  const board = new Board()
  const tally = new RequestTally(board)
  const [a, b, c] = [request(1, '/a/'), request(2, '/b/'), request(3, '/c/')]
  for (const each of [a, b, c]) tally.begin(each)
  expect(shownOn(board)).toEqual({ inFlight: 3, oldest: [1, '/a/'], latest: [3, '/c/'] })
  tally.end(b, 5)
  expect(shownOn(board)).toEqual({ inFlight: 2, oldest: [1, '/a/'], latest: [3, '/c/'] })
  tally.end(a, 5)
  expect(shownOn(board)).toEqual({ inFlight: 1, oldest: [3, '/c/'], latest: [3, '/c/'] })
  tally.end(c, 5)
  expect(shownOn(board)).toEqual({ inFlight: 0, oldest: [0, ''], latest: [0, ''] })
})

test('a route that is known late is shown from then on', () => {
  const board = new Board()
  const tally = new RequestTally(board)
  const [a, b] = [request(1), request(2)]
  tally.begin(a)
  tally.begin(b)
  a.route = '/late/'
  tally.route(a)
  expect(shownOn(board)).toMatchObject({ oldest: [1, '/late/'], latest: [2, ''] })
  tally.end(b, 3)
  expect(shownOn(board)).toMatchObject({ latest: [1, '/late/'] })
})

test('who takes a board over goes on counting, and knows nothing of the requests and routes before', () => {
  const cells = new Board().cells
  const before = new RequestTally(new Board(cells))
  before.begin(request(1, '/old/'))
  before.sentBytes = 17
  const board = new Board(cells).takeOver()
  const after = new RequestTally(board)
  expect(shownOn(board)).toEqual({ inFlight: 0, oldest: [0, ''], latest: [0, ''] })
  expect(after.sentBytes).toBe(17)
  after.begin(request(5, '/new/'))
  expect(shownOn(board)).toMatchObject({ oldest: [5, '/new/'] })
})

test('routes that find no room have no name, long ones lose their end, and none is mixed up', () => {
  const board = new Board()
  const names = Array.from({ length: 100 }, (_, i) => `/route/${i}/`)
  const numbers = names.map((name) => board.routeNumber(name))
  const known = numbers.filter((number) => number !== 0)
  expect(known.length).toBeGreaterThan(50)
  expect(known.map((number) => board.routeName(number))).toEqual(names.slice(0, known.length))
  expect(numbers.map((_, i) => board.routeNumber(names[i]!))).toEqual(numbers)
  expect(new Board().routeName(board.routeNumber('x'))).toBe('')
  const other = new Board()
  expect(other.routeName(other.routeNumber(`/${'x'.repeat(200)}/`))).toBe(`/${'x'.repeat(63)}`)
})
