/** A request on its way to an upstream, without sockets. Requests come from a pool, so each must begin as a new one. */
import { expect, spyOn, test } from 'bun:test'
import { WriteQueue } from '../io/write_queue.ts'
import type { Failure } from '../upstream/failure_responses.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { UpstreamConnection } from '../upstream/upstream_connection.ts'
import { UpstreamRequest, type UpstreamRequestListener } from './upstream_request.ts'

const RULE = { most: 2, causes: new Set(['gone']) }

/** A connection that takes as many bytes as it has `room`, and what it has taken. */
function connectionWith(room: number, change: Partial<UpstreamConnection> = {}) {
  const state = { room, taken: '' }
  const out = new WriteQueue()
  const write = (bytes: Buffer, from = 0, length = bytes.length - from) => {
    const sent = Math.min(length, state.room)
    state.taken += bytes.toString('latin1', from, from + sent)
    state.room -= sent
    return sent
  }
  out.open({ write } as never)
  const target = { failed() {} }
  const connection = { out, target, isReused: false, bytesReceived: false, serve() {}, touch() {}, ...change }
  return Object.assign(state, { connection: connection as unknown as UpstreamConnection })
}

/** A request to an upstream that gives it these connections, one after the other, and what its listener was told. */
function requestWith(...connections: UpstreamConnection[]) {
  const told: (Failure | 'drained')[] = []
  /** Seconds in the queue. */
  const waits: number[] = []
  const left = connections.values()
  const count = { inc() {} }
  const upstream = {
    retryBudget: { earn() {}, spend: () => true },
    shared: {
      context: { clock: { nowMs: 100 } },
      metrics: {
        attempts: count,
        retries: { gone: count, stale: count },
        attempted() {},
        queueSeconds: { observe: (seconds: number) => void waits.push(seconds) },
      },
    },
    serve: (each: UpstreamRequest) => {
      const { value } = left.next()
      if (value !== undefined) each.onConnection(value)
    },
    forget() {},
    hasOther: () => true,
  } as unknown as Upstream
  const listener = {
    onUpstreamDrained: () => void told.push('drained'),
    fail: (failure: Failure) => void told.push(failure),
  } as unknown as UpstreamRequestListener
  const request = UpstreamRequest.take(listener, upstream, true, RULE, 0)
  request.write(Buffer.from('head'), 0, 4)
  request.begin()
  return { request, told, waits }
}

const full = () => connectionWith(Infinity).connection

test('one that failed, was sent again and waited leaves nothing to the next one of the pool', () => {
  const stale = connectionWith(Infinity, { isReused: true }).connection
  const { request, told } = requestWith(full(), full(), stale)
  expect([request.retry('gone'), request.retry('gone'), request.retry('gone')]).toEqual([true, true, true])
  expect(request.forceNewConnection).toBe(true)
  expect(request.tried?.size).toBe(2)
  expect(request.partiallySent).toBe(true)
  expect(told).toEqual(['drained', 'drained'])
  request.end()

  const next = requestWith(full(), full(), full())
  expect(next.request).toBe(request)
  // A connection that comes at once has no paused client.
  expect(next.told).toEqual([])
  expect(next.request.forceNewConnection).toBe(false)
  expect(next.request.tried).toBeUndefined()
  expect(next.request.partiallySent).toBe(false)
  expect([next.request.retry('gone'), next.request.retry('gone')]).toEqual([true, true])
  next.request.end()

  const waiting = requestWith()
  expect(waiting.request).toBe(request)
  expect(waiting.request.target).toBeUndefined()
  expect(waiting.request.connection).toBeUndefined()
  expect(waiting.request.isBlocked).toBe(true)
  waiting.request.onNoConnection('not_ready')
  expect(waiting.told).toEqual(['not_ready'])
  expect(waiting.request.startWaiting(50)).toBe(150)
  expect(waiting.request.hasWaited).toBe(true)
  // A later wait has no more time.
  expect(waiting.request.startWaiting(70)).toBe(150)
  waiting.request.end()

  const last = requestWith()
  expect(last.request).toBe(request)
  expect(last.request.hasWaited).toBe(false)
  last.request.end()
})

test('the time of an attempt begins with it, not with an earlier attempt or a wait', () => {
  using now = spyOn(performance, 'now').mockReturnValue(1000)
  const { request, waits } = requestWith()
  request.startWaiting(50)
  now.mockReturnValue(3000)
  request.startWaiting(50)
  now.mockReturnValue(5000)
  request.onConnection(full())
  expect(waits).toEqual([4])
  now.mockReturnValue(7000)
  expect(request.seconds).toBe(2)
  request.retry('gone')
  expect(request.seconds).toBe(0)
  request.end()
})

test('a kept connection that was closed is no fault of its target once', () => {
  const kept = () => connectionWith(Infinity, { isReused: true }).connection
  const { request } = requestWith(kept(), kept(), full())
  request.retry('gone')
  expect(request.tried).toBeUndefined()
  request.retry('gone')
  expect(request.tried?.size).toBe(1)
  request.end()
})

test('one that waits may try all targets again, and fails for want of a connection', () => {
  const { request, told } = requestWith(full(), full())
  request.retry('gone')
  request.startWaiting(50)
  expect(request.tried).toBeUndefined()
  expect(request.partiallySent).toBe(false)
  request.onNoConnection('queue_timeout')
  expect(told).toEqual(['drained', 'queue_timeout'])
  request.end()
})

test('one that has no other target fails as it did there', () => {
  const { request, told } = requestWith(full())
  expect(request.retry('gone')).toBe(true)
  request.onNoConnection('not_ready')
  expect(told).toEqual(['gone'])
  request.end()
})

test('bytes that wait for a connection do not change with the buffer that they came in', () => {
  const blocked = connectionWith(6)
  const { request } = requestWith(blocked.connection)
  const shared = Buffer.from('body')
  request.write(shared, 0, 4, true)
  expect(request.isBlocked).toBe(true)
  shared.fill('x')
  blocked.room = Infinity
  blocked.connection.out.drain()
  expect(blocked.taken).toBe('headbody')
  request.end()
})

test('bytes behind the first response are only passed on: they are not sent again', () => {
  const first = connectionWith(Infinity)
  const { request } = requestWith(first.connection)
  request.onResponse(200)
  request.write(Buffer.from('body'), 0, 4)
  expect(first.taken).toBe('headbody')
  expect(request.retry('gone')).toBe(false)
  request.end()
})
