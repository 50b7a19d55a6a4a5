/** Each request of a handler is counted once: at its end, however it ends. */
import { expect, test } from 'bun:test'
import { RequestCounters } from '../shared/request_counters.ts'
import { countRequests, type Handler } from './count_requests.ts'

const SERVER = {} as Bun.Server<unknown>
const request = (method = 'GET') => new Request('http://localhost/', { method })

function counted(handler: Handler) {
  const counters = new RequestCounters()
  const wrapped = countRequests(handler, counters)
  const counts = () => {
    const { inFlight, exceptions, sentBytes } = counters
    return { inFlight, exceptions, sentBytes }
  }
  return { counters, counts, ask: (method?: string) => wrapped(request(method), SERVER) }
}

test('a response counts with its bytes, at once or later', async () => {
  const { ask, counts } = counted(() => new Response('hello'))
  expect(await ((await ask()) as Response).text()).toBe('hello')
  expect(counts()).toEqual({ inFlight: 0, exceptions: 0, sentBytes: 5 })
  await ask('HEAD')
  expect(counts()).toEqual({ inFlight: 0, exceptions: 0, sentBytes: 5 })

  const response = Promise.withResolvers<Response>()
  const slow = counted(() => response.promise)
  const asked = slow.ask()
  expect(slow.counts()).toEqual({ inFlight: 1, exceptions: 0, sentBytes: 0 })
  response.resolve(new Response('later'))
  expect(await ((await asked) as Response).text()).toBe('later')
  expect(slow.counts()).toEqual({ inFlight: 0, exceptions: 0, sentBytes: 5 })
})

test('a request that became a WebSocket ends without bytes', async () => {
  const { ask, counts } = counted(() => undefined)
  expect(await ask()).toBeUndefined()
  expect(counts()).toEqual({ inFlight: 0, exceptions: 0, sentBytes: 0 })
})

test('an error counts, and reaches the server', async () => {
  const error = new Error('on purpose')
  const throwing = counted(() => {
    throw error
  })
  expect(() => throwing.ask()).toThrow(error)
  expect(throwing.counts()).toEqual({ inFlight: 0, exceptions: 1, sentBytes: 0 })
  const rejecting = counted(() => Promise.reject(error))
  await expect(Promise.resolve(rejecting.ask())).rejects.toBe(error as never)
  expect(rejecting.counts()).toEqual({ inFlight: 0, exceptions: 1, sentBytes: 0 })
})

test('a handler gets the request and its server', async () => {
  let got: unknown[] = []
  const { ask } = counted((...args) => {
    got = args
    return undefined
  })
  await ask('PUT')
  expect((got[0] as Request).method).toBe('PUT')
  expect(got[1]).toBe(SERVER)
})

test('an app that counts by itself is not counted twice', async () => {
  const { ask, counters, counts } = counted(() => new Response('hello'))
  counters.isCountedByApp = true
  expect(await ((await ask()) as Response).text()).toBe('hello')
  expect(counts()).toEqual({ inFlight: 0, exceptions: 0, sentBytes: 0 })
})
