/** The points of the charts, in a fixed number of slots. */
import { expect, test } from 'bun:test'
import { CURVES, History, type Point } from './history.ts'

const point = (value: number) => new Map([['a', { requestsPerSecond: value }]])

test('it keeps the newest points, from the oldest to the newest', () => {
  const history = new History(3)
  for (let i = 1; i <= 5; i++) history.add(i * 1000, point(i))
  const { times, targets } = history.after(0)
  expect(times).toEqual([3000, 4000, 5000])
  expect(targets['a']!.requestsPerSecond).toEqual([3, 4, 5])
  expect(targets['a']!.p99).toEqual([null, null, null])
})

test('it gives only the points after a time', () => {
  const history = new History(3)
  for (let i = 1; i <= 4; i++) history.add(i * 1000, point(i))
  expect(history.after(3000).times).toEqual([4000])
  expect(history.after(3000).targets['a']!.requestsPerSecond).toEqual([4])
  expect(history.after(4000).times).toEqual([])
})

test('a target that is new has no older points, and one that is gone is removed after the whole time', () => {
  const history = new History(2)
  history.add(1000, point(1))
  history.add(2000, new Map([['b', { inFlight: 2 }]]))
  expect(history.after(0).targets['a']!.requestsPerSecond).toEqual([1, null])
  expect(history.after(0).targets['b']!.inFlight).toEqual([null, 2])
  history.add(3000, new Map([['b', { inFlight: 3 }]]))
  expect(Object.keys(history.after(0).targets)).toEqual(['b'])
})

test('the number of targets is limited, and so is the memory of each', () => {
  const history = new History(2)
  history.add(1000, new Map(Array.from({ length: 300 }, (_, i) => [String(i), {}])))
  expect(Object.keys(history.after(0).targets)).toHaveLength(200)
  expect(History.bytesOf(180)).toBe(CURVES.length * 180 * 8)
})

test('values have four digits', () => {
  const history = new History(1)
  history.add(1000, point(1234.5678))
  expect(history.after(0).targets['a']!.requestsPerSecond).toEqual([1235])
})

test('a target stays as long as it has points, and then for the whole time', () => {
  const history = new History(2)
  const both = new Map<string, Point>([...point(1), ['b', {}]])
  for (let i = 1; i <= 5; i++) history.add(i * 1000, both)
  const only = new Map<string, Point>([['b', {}]])
  history.add(6000, only)
  expect(Object.keys(history.after(0).targets)).toEqual(['a', 'b'])
  history.add(7000, only)
  expect(Object.keys(history.after(0).targets)).toEqual(['b'])
})

test('without room for a point it has one', () => {
  const history = new History(0)
  for (let i = 1; i <= 3; i++) history.add(i * 1000, point(i))
  expect(history.after(0).times).toEqual([3000])
})
