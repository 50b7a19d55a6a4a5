import { describe, expect, spyOn, test } from 'bun:test'
import { dogs, temporaryDatabase } from '../testing.ts'
import { readBytes, readJsonObject } from './body.ts'
import { HttpError } from './errors.ts'

const encoder = new TextEncoder()
const streamed = (chunks: Iterable<Uint8Array>): Request =>
  new Request('http://localhost/', {
    method: 'POST',
    body: new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk)
        controller.close()
      },
    }),
  })
const limits = { bodyBytes: 1000, requestTimeoutMs: 30_000 }

test('a body that does not arrive in time is 408 with Connection: close, and reading stops', async () => {
  const cancelled = Promise.withResolvers<void>()
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode('{"name":')),
    cancel: () => cancelled.resolve(),
  })
  const request = new Request('http://localhost/', { method: 'POST', body })
  const error = await readJsonObject(request, { ...limits, requestTimeoutMs: 20 }).catch((error) => error)
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({ status: 408, headers: { Connection: 'close' } })
  await cancelled.promise
})

test('the error of a body that breaks off is thrown once, and handled', async () => {
  const body = new ReadableStream({
    pull: (controller) => controller.error(new Error('the chunks are malformed')),
  })
  const request = new Request('http://localhost/', { method: 'POST', body })
  // Cancelling a stream that has failed fails with its error: without a handler that would end the process.
  expect(await readBytes(request, limits).catch(({ message }: Error) => message)).toBe(
    'the chunks are malformed',
  )
})

test('no timer stays behind a body that has arrived', async () => {
  using set = spyOn(globalThis, 'setTimeout')
  using clear = spyOn(globalThis, 'clearTimeout')
  const requestTimeoutMs = 4711
  await readBytes(streamed([encoder.encode('{}')]), { ...limits, requestTimeoutMs })
  const timers = set.mock.calls.flatMap(([, ms], i) =>
    ms === requestTimeoutMs ? [set.mock.results[i]!.value] : [],
  )
  expect(timers).toHaveLength(1)
  expect(clear).toHaveBeenCalledWith(timers[0])
})

test('a character that is split between chunks is read whole', async () => {
  const bytes = encoder.encode('{"name":"🐕"}')
  const request = streamed([...bytes].map((byte) => Uint8Array.of(byte)))
  expect(await readJsonObject(request, limits)).toEqual({ name: '🐕' })
})

describe('chunks of', () => {
  test.each([1, 7, 4095, 4096, 4097, 10_000])('%d bytes are read whole and in order', async (size) => {
    const body = Uint8Array.from({ length: 50_000 }, (_, i) => i % 251)
    const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
      body.subarray(i * size, (i + 1) * size),
    )
    const read = await readBytes(streamed(chunks), { ...limits, bodyBytes: body.length })
    expect(Bun.hash(read)).toBe(Bun.hash(body))
  })

  test.each([
    [999, 1000],
    [1000, 1000],
    [1001, 413],
  ])('one byte, %d of them under a limit of 1000: %d', async (count, expected) => {
    const request = streamed(Array.from({ length: count }, () => Uint8Array.of(32)))
    const read = await readBytes(request, limits).then(
      (bytes) => bytes.length,
      (error: HttpError) => error.status,
    )
    expect(read).toBe(expected === 413 ? 413 : count)
  })
})

test('between small chunks other requests get their turn', async () => {
  const order: string[] = []
  setImmediate(() => order.push('another request'))
  await readBytes(streamed(Array.from({ length: 500 }, () => Uint8Array.of(32))), limits)
  order.push('the body')
  expect(order).toEqual(['another request', 'the body'])
})

test.each([
  [999, 200],
  [1000, 200],
  [1001, 413],
])('a body with a length of %d under a limit of 1000: %d', async (length, status) => {
  const body = JSON.stringify({ pad: 'x'.repeat(length - 10) })
  const headers = { 'Content-Length': String(length) }
  const request = new Request('http://localhost/', { method: 'POST', body, headers })
  const seen = await readJsonObject(request, limits).then(
    () => 200,
    (error: HttpError) => error.status,
  )
  expect({ length: body.length, seen }).toEqual({ length, seen: status })
})

const chunkedBody = (count: number): Uint8Array =>
  encoder.encode(
    `POST /dogs/ HTTP/1.1\r\nHost: dogs\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${'1\r\n \r\n'.repeat(count)}0\r\n\r\n`,
  )

/** Sends bytes on a connection of their own; resolves to the response when the server closes. */
async function sendRaw(url: string, bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url)
  const closed = Promise.withResolvers<string>()
  let response = ''
  let rest = bytes
  const push = (socket: Bun.Socket) => void (rest = rest.subarray(socket.write(rest)))
  await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: push,
      drain: push,
      data: (_, data) => void (response += data.toString()),
      close: () => closed.resolve(response),
    },
  })
  return closed.promise
}

test('a million chunks of one byte, twelve times at once, take less memory than their size on the wire', async () => {
  await using database = temporaryDatabase()
  await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
  const { url } = await service.ready()
  const residentBytes = async () =>
    Number(/^VmRSS:\s+(\d+)/m.exec(await Bun.file(`/proc/${service.pid}/status`).text())![1]) * 1024
  const wire = chunkedBody(1_000_000)
  expect(await sendRaw(url, wire)).toContain('400 Bad Request')
  const before = await residentBytes()
  let largest = 0
  const load = { isOver: false }
  const watching = (async () => {
    while (!load.isOver) {
      largest = Math.max(largest, await residentBytes())
      await Bun.sleep(5)
    }
  })()
  const responses = await Promise.all(Array.from({ length: 12 }, () => sendRaw(url, wire)))
  load.isOver = true
  await watching
  expect(responses.every((response) => response.includes('The body is empty'))).toBe(true)
  expect(largest - before).toBeLessThan(12 * wire.length)
}, 60_000)

test('a body with a length that stops halfway is 408 in time, and its connection is closed', async () => {
  await using database = temporaryDatabase()
  await using service = dogs({ DOGS_WORKERS: '0', DOGS_REQUEST_TIMEOUT_MS: '200', ...database.env })
  const { url } = await service.ready()
  for (const framing of ['Content-Length: 100\r\n\r\n{', 'Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n']) {
    const head = `POST /dogs/ HTTP/1.1\r\nHost: dogs\r\n${framing}`
    expect(await sendRaw(url, encoder.encode(head))).toStartWith('HTTP/1.1 408 Request Timeout')
  }
}, 60_000)
