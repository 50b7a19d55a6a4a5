import { expect, test } from 'bun:test'
import { WaitingQueue } from './queue.ts'

test('it is first in, first out, without deleted items', () => {
  const queue = new WaitingQueue<string>(3)
  for (const item of ['a', 'b', 'c']) queue.add(item, 10)
  expect(queue.delete('b')).toBe(true)
  expect(queue.delete('b')).toBe(false)
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual(['a', 'c', undefined])
})

test('an item that comes back is the first again, with its deadline', () => {
  const queue = new WaitingQueue<string>(3)
  queue.add('a', 1)
  queue.add('b', 2)
  expect(queue.shift()).toBe('a')
  queue.add('c', 3)
  expect(queue.addFirst('a', 1)).toBe(true)
  expect(queue.addFirst('d', 1)).toBe(false)
  expect(queue.expire(2)).toEqual(['a'])
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual(['b', 'c', undefined])
})

test('a full queue takes no item', () => {
  const queue = new WaitingQueue<string>(1)
  expect(queue.add('a', 10)).toBe(true)
  expect(queue.add('b', 10)).toBe(false)
  queue.shift()
  expect(queue.add('b', 10)).toBe(true)
  expect(new WaitingQueue<string>(0).add('a', 10)).toBe(false)
})

test('each item has its own deadline, in any order', () => {
  const queue = new WaitingQueue<string>(3)
  queue.add('late', 30)
  queue.add('early', 10)
  queue.add('middle', 20)
  expect(queue.expire(10)).toEqual([])
  expect(queue.expire(21)).toEqual(['early', 'middle'])
  expect(queue.size).toBe(1)
})
