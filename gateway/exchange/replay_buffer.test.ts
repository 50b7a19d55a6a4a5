import { expect, test } from 'bun:test'
import { WriteQueue } from '../io/write_queue.ts'
import { REPLAY_BYTES, ReplayBuffer } from './replay_buffer.ts'

/** A queue whose socket takes all bytes, or none. */
function queueTo(takes: boolean) {
  let taken = ''
  const queue = new WriteQueue()
  const write = (bytes: Buffer, from = 0, length = bytes.length - from) => {
    if (takes) taken += bytes.toString('latin1', from, from + length)
    return takes ? length : 0
  }
  queue.open({ write } as never)
  return Object.assign(queue, { taken: () => taken })
}

const put = (buffer: ReplayBuffer, text: string) => buffer.write(Buffer.from(`-${text}-`), 1, text.length + 1)

test('all bytes so far are sent to each connection, and further ones to the last', () => {
  const buffer = new ReplayBuffer()
  put(buffer, 'head')
  const first = queueTo(true)
  buffer.sendTo(first)
  put(buffer, 'body')
  buffer.detach()
  put(buffer, 'more')
  const second = queueTo(true)
  buffer.sendTo(second)
  put(buffer, 'end')
  expect([first.taken(), second.taken()]).toEqual(['headbody', 'headbodymoreend'])
  expect(buffer.isComplete).toBe(true)
})

test('kept bytes do not change with the buffer that they came in, while a connection is blocked', () => {
  const buffer = new ReplayBuffer()
  put(buffer, 'first')
  const blocked = queueTo(false)
  buffer.sendTo(blocked)
  buffer.clear()
  put(buffer, 'other')
  let sent = ''
  blocked.open({ write: (bytes: Buffer) => ((sent += bytes.toString()), bytes.length) } as never)
  expect(sent).toBe('first')
})

test.each([
  [REPLAY_BYTES, true],
  [REPLAY_BYTES + 1, false],
])('once a byte was sent, %d bytes are kept: %p', (bytes, isComplete) => {
  const before = new ReplayBuffer()
  put(before, 'x'.repeat(bytes))
  expect(before.isComplete).toBe(true)
  before.sendTo(queueTo(true))
  expect(before.isComplete).toBe(isComplete)

  const after = new ReplayBuffer()
  const out = queueTo(true)
  after.sendTo(out)
  put(after, 'x')
  put(after, 'y'.repeat(bytes - 1))
  expect(after.isComplete).toBe(isComplete)
  put(after, 'z')
  expect(out.taken()).toHaveLength(bytes + 1)
})

test('a body of any size is kept until a byte of it is sent', () => {
  const buffer = new ReplayBuffer()
  buffer.sendTo(queueTo(false))
  put(buffer, 'x'.repeat(10 * REPLAY_BYTES))
  expect(buffer.isComplete).toBe(true)
  buffer.detach()
  const out = queueTo(true)
  buffer.sendTo(out)
  expect(out.taken()).toHaveLength(10 * REPLAY_BYTES)
  expect(buffer.isComplete).toBe(false)
})

test('one that is cleared begins anew, and one that forgets only passes on', () => {
  const buffer = new ReplayBuffer()
  put(buffer, 'old'.repeat(1000))
  buffer.sendTo(queueTo(true))
  buffer.forget()
  expect(buffer.isComplete).toBe(false)
  buffer.clear()
  expect(buffer.isComplete).toBe(true)
  put(buffer, 'new')
  const out = queueTo(true)
  buffer.sendTo(out)
  buffer.forget()
  put(buffer, '!')
  expect(out.taken()).toBe('new!')
})
