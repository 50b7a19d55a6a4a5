/** Measures the requests of a handler: duration by method and status, requests in flight, errors. */
import type { HttpServerMetrics } from '@bun-monitoring/metrics'
import type { RequestCounters } from '../shared/request_counters.ts'
import { bodyBytes } from '../worker/body_bytes.ts'
import type { Handler, MaybeResponse } from '../worker/count_requests.ts'
import type { HttpOptions } from '../worker/serve_http.ts'

type Measured = ReturnType<HttpServerMetrics['begin']>

/** Bun's own response to an error that the app does not handle. */
const UNHANDLED = 500
/** The handler has upgraded the request to a WebSocket. */
const UPGRADED = 101

/** @param onError the app's own handler of errors: its response counts. */
export function measureRequests(
  handler: Handler,
  route: string,
  metrics: HttpServerMetrics,
  counters: RequestCounters,
  onError: HttpOptions['error'],
): Handler {
  const end = (measured: Measured, method: string, response: MaybeResponse) => {
    if (response) counters.sentBytes += bodyBytes(method, response)
    metrics.end(measured, route, response?.status ?? UPGRADED)
    return response
  }
  const fail = (measured: Measured, method: string, error: unknown): ReturnType<Handler> => {
    metrics.exception(route, error)
    if (!onError) {
      metrics.end(measured, route, UNHANDLED)
      throw error
    }
    const response = onError(error as Error)
    if (!(response instanceof Promise)) return end(measured, method, response)
    return response.then((each) => end(measured, method, each))
  }
  return (request, server) => {
    const { method } = request
    const measured = metrics.begin(method)
    metrics.routed(measured, route)
    let response: ReturnType<Handler>
    try {
      response = handler(request, server)
    } catch (error) {
      return fail(measured, method, error)
    }
    if (!(response instanceof Promise)) return end(measured, method, response)
    return response.then(
      (each) => end(measured, method, each),
      (error) => fail(measured, method, error),
    )
  }
}
