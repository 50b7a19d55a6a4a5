/** Counts the requests of a `fetch` handler for `/stats`, recycling and harakiri, unless the app counts them itself. */
import type { TalliedRequest } from '@bun-monitoring/metrics'
import type { RequestCounters } from '../shared/request_counters.ts'
import { bodyBytes } from './body_bytes.ts'

/** Undefined where the handler has upgraded the request to a WebSocket. */
export type MaybeResponse = Response | undefined | void
export type Handler = (request: Request, server: Bun.Server<any>) => MaybeResponse | Promise<MaybeResponse>

class ServedRequest implements TalliedRequest {
  readonly startedMs = performance.now()
  readonly route = ''
  previous: TalliedRequest | undefined
  next: TalliedRequest | undefined

  constructor(readonly method: string) {}
}

export function countRequests(handler: Handler, counters: RequestCounters): Handler {
  const end = (served: ServedRequest, response: MaybeResponse) => {
    if (response) counters.sentBytes += bodyBytes(served.method, response)
    counters.end(served, performance.now())
    return response
  }
  const fail = (served: ServedRequest, error: unknown): never => {
    counters.exceptions++
    counters.end(served, performance.now())
    throw error
  }
  return (request, server) => {
    if (counters.isCountedByApp) return handler(request, server)
    const served = new ServedRequest(request.method)
    counters.begin(served)
    let response: ReturnType<Handler>
    try {
      response = handler(request, server)
    } catch (error) {
      return fail(served, error)
    }
    if (!(response instanceof Promise)) return end(served, response)
    return response.then(
      (each) => end(served, each),
      (error) => fail(served, error),
    )
  }
}
