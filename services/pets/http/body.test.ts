import { expect, test } from 'bun:test'
import { readJsonObject } from './body.ts'
import { HttpError } from './errors.ts'

test('a body that does not arrive in time is 503, and reading stops', async () => {
  const cancelled = Promise.withResolvers<void>()
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"name":')),
    cancel: () => cancelled.resolve(),
  })
  const request = new Request('http://localhost/', { method: 'POST', body })
  const error = await readJsonObject(request, { bodyBytes: 1000, requestTimeoutMs: 20 }).catch(
    (error) => error,
  )
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } })
  await cancelled.promise
})

test('a character that is split between chunks is read whole', async () => {
  const bytes = new TextEncoder().encode('{"name":"🐕"}')
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
      controller.close()
    },
  })
  const request = new Request('http://localhost/', { method: 'POST', body })
  expect(await readJsonObject(request, { bodyBytes: 1000, requestTimeoutMs: 1000 })).toEqual({ name: '🐕' })
})
