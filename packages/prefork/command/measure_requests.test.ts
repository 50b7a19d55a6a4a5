/** Each request of the app of a module is measured once, with the status that its client gets. */
import { expect, test } from 'bun:test'
import { HttpServerMetrics, Registry, renderText } from '@bun-monitoring/metrics'
import { RequestCounters } from '../shared/request_counters.ts'
import { Scoreboard } from '../shared/scoreboard.ts'
import type { Handler } from '../worker/count_requests.ts'
import type { HttpOptions } from '../worker/serve_http.ts'
import { measureRequests } from './measure_requests.ts'

function measured(
  handler: Handler,
  { route = '/r', onError }: { route?: string; onError?: HttpOptions['error'] } = {},
) {
  const registry = new Registry()
  const counters = new RequestCounters()
  const metrics = new HttpServerMetrics(registry, counters)
  const wrapped = measureRequests(handler, route, metrics, counters, onError)
  const ask = (method = 'GET') =>
    wrapped(new Request('http://localhost/', { method }), {} as Bun.Server<unknown>)
  /** Durations as `method route status count`, exceptions, requests in flight and bytes. */
  const seen = async () => {
    const page = renderText(await registry.families())
    const durations = [
      ...page.matchAll(
        /^http_server_request_duration_seconds_count\{http_request_method="(\w+)",http_route="([^"]*)",http_response_status_code="(\d+)"\} (\d+)$/gm,
      ),
    ].map(([, ...values]) => values.join(' '))
    const exceptions = /^http_server_exceptions_total\{.*\} (\d+)$/m.exec(page)?.[1] ?? '0'
    return { durations, exceptions, inFlight: counters.inFlight, bytes: counters.sentBytes }
  }
  return { ask, seen }
}

const error = new Error('on purpose')

test('a response, at once and later', async () => {
  for (const handler of [
    () => new Response('hello', { status: 201 }),
    async () => new Response('hello', { status: 201 }),
  ]) {
    const { ask, seen } = measured(handler)
    expect((await ask('POST'))!.status).toBe(201)
    expect(await seen()).toEqual({ durations: ['POST /r 201 1'], exceptions: '0', inFlight: 0, bytes: 5 })
  }
})

test('while a request runs, the scoreboard shows its route', () => {
  const scoreboard = new Scoreboard()
  const counters = new RequestCounters(scoreboard)
  const metrics = new HttpServerMetrics(new Registry(), counters)
  const shown: unknown[] = []
  const handler = () => void shown.push(scoreboard.latest(performance.now())?.route)
  for (const route of ['/r', ''])
    void measureRequests(
      handler,
      route,
      metrics,
      counters,
      undefined,
    )(new Request('http://localhost/'), {} as Bun.Server<unknown>)
  expect(shown).toEqual(['/r', ''])
})

test('a WebSocket has the status 101', async () => {
  const { ask, seen } = measured(() => undefined, { route: '' })
  expect(await ask()).toBeUndefined()
  expect(await seen()).toEqual({ durations: ['GET  101 1'], exceptions: '0', inFlight: 0, bytes: 0 })
})

test('an error without a handler for it reaches the server, which responds with 500', async () => {
  const throwing = measured(() => {
    throw error
  })
  expect(() => throwing.ask()).toThrow(error)
  const rejecting = measured(() => Promise.reject(error))
  await expect(Promise.resolve(rejecting.ask())).rejects.toBe(error as never)
  for (const { seen } of [throwing, rejecting])
    expect(await seen()).toEqual({ durations: ['GET /r 500 1'], exceptions: '1', inFlight: 0, bytes: 0 })
})

test.each<[string, NonNullable<HttpOptions['error']>]>([
  ['at once', ({ message }) => new Response(message, { status: 418 })],
  ['later', async ({ message }) => new Response(message, { status: 418 })],
])("the app's own response to an error counts, %s", async (_, onError) => {
  for (const handler of [
    () => {
      throw error
    },
    () => Promise.reject(error),
  ] as Handler[]) {
    const { ask, seen } = measured(handler, { onError })
    const response = (await ask())!
    expect([response.status, await response.text()]).toEqual([418, 'on purpose'])
    expect(await seen()).toEqual({ durations: ['GET /r 418 1'], exceptions: '1', inFlight: 0, bytes: 10 })
  }
})
