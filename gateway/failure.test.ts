import { afterEach, describe, expect, jest, test } from 'bun:test'
import type { Socket } from 'node:net'
import { cannedUpstream, expectProblem, OK, rawClient, rawUpstream, startGateway } from './testing.ts'

const ANSWERED = 'gateway_upstream_request_duration_seconds_count{upstream="dogs",http_response_status_code='
const ATTEMPTS = 'gateway_upstream_attempts_total{upstream="dogs"}'
const ABORTS = 'gateway_client_aborts_total'

type Gateway = ReturnType<typeof startGateway>

afterEach(() => void jest.useRealTimers())

async function untilCounted(gateway: Gateway, status: string): Promise<void> {
  while (!(status in (await gateway.counted()))) await new Promise(setImmediate)
}

describe('an upstream', () => {
  test('that is down: 502', async () => {
    using closed = await cannedUpstream(OK)
    const { url } = closed
    closed[Symbol.dispose]()
    await using gateway = startGateway(url)
    await expectProblem(await fetch(`${gateway.url}/dogs/`), 502, 'dogs cannot be reached: ECONNREFUSED')
    expect(await gateway.counted()).toEqual({ 'GET dogs 502': 1 })
    expect(await gateway.metric(`${ANSWERED}"0"}`)).toBe(1)
    expect(await gateway.metric(ATTEMPTS)).toBe(1)
    expect(await gateway.metric('http_server_exceptions_total')).toBe(1)
  })

  test.each([
    ['hangs up', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('that %s before the head of its answer: 502', async (_, hangUp) => {
    using upstream = await rawUpstream((_, socket) => void hangUp(socket))
    await using gateway = startGateway(upstream.url)
    const answer = await fetch(`${gateway.url}/dogs/`, { method: 'POST', body: 'x' })
    await expectProblem(answer, 502, 'dogs cannot be reached: ECONNRESET')
    expect(await gateway.counted()).toEqual({ 'POST dogs 502': 1 })
    expect(await gateway.metric(`${ANSWERED}"0"}`)).toBe(1)
  })

  test('that is slow: 504, and it is let go', async () => {
    jest.useFakeTimers()
    const [asked, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    using upstream = await rawUpstream((_, socket) => {
      socket.on('close', () => gone.resolve())
      asked.resolve()
    })
    await using gateway = startGateway(upstream.url)
    const answer = fetch(`${gateway.url}/dogs/`)
    await asked.promise
    jest.advanceTimersByTime(35_000)
    await expectProblem(await answer, 504, 'dogs did not begin to answer within 35000 ms')
    await gone.promise
    expect(await gateway.counted()).toEqual({ 'GET dogs 504': 1 })
    expect(await gateway.metric(`${ANSWERED}"0"}`)).toBe(1)
    expect(await gateway.metric(ABORTS)).toBe(0)
  })

  test('that sends its head in time may take any time for the rest', async () => {
    jest.useFakeTimers()
    using upstream = await rawUpstream((_, socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwo'),
    )
    await using gateway = startGateway(upstream.url)
    const answer = await fetch(`${gateway.url}/dogs/`)
    jest.advanceTimersByTime(60_000)
    for (const socket of upstream.sockets) socket.write('of')
    expect(await answer.text()).toBe('woof')
  })

  test('is not blamed for a slow upload', async () => {
    jest.useFakeTimers()
    const begun = Promise.withResolvers<void>()
    using upstream = await rawUpstream((received, socket) => {
      begun.resolve()
      if (received.endsWith('hello')) socket.write(OK)
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe',
    )
    await begun.promise
    jest.advanceTimersByTime(60_000)
    client.socket.write('llo')
    expect(await client.until(/ok$/)).toStartWith('HTTP/1.1 200 OK')
  })

  test('that answers before it has the whole body is not cut off later', async () => {
    jest.useFakeTimers()
    using upstream = await rawUpstream((received, socket) => {
      if (received.endsWith('he')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwo')
      if (received.endsWith('hello')) socket.write('of')
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe',
    )
    await client.until(/wo/)
    client.socket.write('llo')
    jest.advanceTimersByTime(60_000)
    await client.until(/of/)
  })

  test.each([
    ['a declared length', 'Content-Length: 10\r\n\r\nhalf'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('that breaks off an answer with %s breaks it for the client', async (_, rest) => {
    using upstream = await rawUpstream((_, socket) => socket.write(`HTTP/1.1 200 OK\r\n${rest}`))
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/half/)
    for (const socket of upstream.sockets) socket.destroy()
    expect(await client.untilClosed()).not.toEndWith('0\r\n\r\n')
    expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
    expect(await gateway.metric(ABORTS)).toBe(0)
  })
})

describe('a client that leaves', () => {
  test('before the answer frees the upstream, and is nobody else’s fault', async () => {
    const [asked, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    using upstream = await rawUpstream((_, socket) => {
      socket.on('close', () => gone.resolve())
      asked.resolve()
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n')
    await asked.promise
    client.socket.destroy()
    await gone.promise
    await untilCounted(gateway, 'GET dogs 499')
    expect(await gateway.counted()).toEqual({ 'GET dogs 499': 1 })
    expect(await gateway.metric(ABORTS)).toBe(1)
    expect(await gateway.metric(ATTEMPTS)).toBe(1)
    expect(await gateway.metric(ANSWERED)).toBe(0)
    expect(await gateway.metric('http_server_exceptions_total')).toBe(0)
    expect(await gateway.metric('http_server_active_requests')).toBe(0)
  })

  test('in the middle of its own body', async () => {
    const [asked, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    using upstream = await rawUpstream((_, socket) => {
      socket.on('close', () => gone.resolve())
      asked.resolve()
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf',
    )
    await asked.promise
    client.socket.destroy()
    await gone.promise
    await untilCounted(gateway, 'POST dogs 499')
    expect(await gateway.counted()).toEqual({ 'POST dogs 499': 1 })
    expect(await gateway.metric(ABORTS)).toBe(1)
    expect(await gateway.metric(ANSWERED)).toBe(0)
  })

  test('in the middle of the answer frees the upstream', async () => {
    const gone = Promise.withResolvers<void>()
    using upstream = await rawUpstream((_, socket) => {
      socket.on('close', () => gone.resolve())
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
    })
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/half/)
    client.socket.destroy()
    await gone.promise
    expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
    expect(await gateway.metric(ABORTS)).toBe(1)
  })

  test('after the answer did not abort anything', async () => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'GET /dogs/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    )
    expect(await client.untilClosed()).toEndWith('ok')
    expect(await gateway.metric(ABORTS)).toBe(0)
  })
})
