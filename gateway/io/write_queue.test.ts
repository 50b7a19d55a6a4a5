import { expect, test } from 'bun:test'
import type { Socket } from 'bun'
import { WriteQueue } from './write_queue.ts'

/** A socket that takes so many bytes, and what it has taken. */
function socketTaking(room: number) {
  let taken = ''
  const state = { room, taken: () => taken }
  const write = (bytes: Buffer, from = 0, length = bytes.length - from) => {
    if (state.room === -1) return -1
    const sent = Math.min(state.room, length)
    state.room -= sent
    taken += bytes.toString('latin1', from, from + sent)
    return sent
  }
  return Object.assign(state, { socket: { write } as unknown as Socket<unknown> })
}

const text = (bytes: string) => Buffer.from(bytes)

test('bytes that the socket does not take wait, in order, and block the sender', () => {
  const peer = socketTaking(4)
  const queue = new WriteQueue()
  queue.open(peer.socket)
  queue.write(text('-abc-'), 1, 4)
  expect(queue.isBlocked).toBe(false)
  queue.write(text('-def-'), 1, 4)
  expect(queue.isBlocked).toBe(true)
  // There is room again, but the bytes that wait come first.
  peer.room = 3
  queue.write(text('gh'), 0, 2)
  expect(peer.taken()).toBe('abcd')
  queue.drain()
  expect([peer.taken(), queue.isBlocked]).toEqual(['abcdefg', true])
  peer.room = 1
  queue.drain()
  expect([peer.taken(), queue.isBlocked]).toEqual(['abcdefgh', false])
})

test('bytes that wait are copied if their buffer is shared, and only then', () => {
  const peer = socketTaking(1)
  const queue = new WriteQueue()
  queue.open(peer.socket)
  const [shared, own] = [text('shared'), text('own')]
  queue.write(shared, 0, 6, true)
  queue.write(own, 0, 3)
  shared.fill('x')
  own.fill('y')
  peer.room = 100
  queue.drain()
  expect(peer.taken()).toBe('sharedyyy')
})

test('bytes wait until there is a socket', () => {
  const peer = socketTaking(100)
  const queue = new WriteQueue()
  queue.write(text('head'), 0, 4)
  expect([queue.isBlocked, queue.hasSent]).toEqual([true, false])
  queue.open(peer.socket)
  expect([queue.isBlocked, queue.hasSent, peer.taken()]).toEqual([false, true, 'head'])
})

test('a byte was sent once the socket has taken one, at once or later', () => {
  const peer = socketTaking(0)
  const queue = new WriteQueue()
  queue.open(peer.socket)
  queue.write(text('ab'), 0, 2)
  queue.drain()
  expect(queue.hasSent).toBe(false)
  peer.room = 1
  queue.drain()
  expect(queue.hasSent).toBe(true)
  const direct = new WriteQueue()
  direct.open(socketTaking(1).socket)
  direct.write(text('ab'), 0, 2)
  expect(direct.hasSent).toBe(true)
})

test('nothing waits for a closed socket', () => {
  const peer = socketTaking(1)
  const queue = new WriteQueue()
  queue.open(peer.socket)
  queue.write(text('ab'), 0, 2)
  peer.room = -1
  queue.drain()
  expect(queue.isBlocked).toBe(false)
  queue.write(text('cd'), 0, 2)
  expect([queue.isBlocked, peer.taken()]).toEqual([false, 'a'])
})

test('written bytes are counted once, also those that wait', () => {
  let counted = 0
  const peer = socketTaking(1)
  const queue = new WriteQueue({ inc: (bytes) => void (counted += bytes) })
  queue.open(peer.socket)
  queue.write(text('-abc-'), 1, 4)
  peer.room = 100
  queue.drain()
  expect(counted).toBe(3)
})
