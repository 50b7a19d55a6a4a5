/** Measures every request of a plain `fetch` handler, as of `Bun.serve` or Hono, exactly once. */
import { register, type Registry } from '../api/registry.ts'
import { HttpServerMetrics, type MeasuredRequest, type RequestTally, UNMATCHED } from './http_server.ts'

export interface MeasuredFetchOptions<Rest extends unknown[] = unknown[]> {
  /**
   * The pattern of the route, such as `/dogs/:id`; undefined for a request that matches none. Never return the path itself: any
   * client could make new series with it. It is called when the response is ready.
   */
  route(request: Request, ...rest: Rest): string | undefined
  /** Default: the global `register`. Handlers that are measured with the same registry share its metrics. */
  registry?: Registry
  tally?: RequestTally
  /** Paths that are not counted, such as health checks. */
  exclude?: readonly string[]
}

type Handler<Rest extends unknown[], Result extends Response | undefined> = (
  this: unknown,
  request: Request,
  ...rest: Rest
) => Result | Promise<Result>

const known = new WeakMap<Registry, HttpServerMetrics>()

function metricsOf(registry: Registry, tally: RequestTally | undefined): HttpServerMetrics {
  const isCleared = registry.getSingleMetric('http_server_request_duration_seconds') === undefined
  const metrics = (isCleared ? undefined : known.get(registry)) ?? new HttpServerMetrics(registry, tally)
  known.set(registry, metrics)
  return metrics
}

/**
 * Wraps a handler. A stream is counted when its head is ready, an error of the handler as a 500, and a request that became a
 * WebSocket as a 101: `Bun.serve` expects `undefined` then.
 */
export function measured<Rest extends unknown[], Result extends Response | undefined>(
  handler: Handler<Rest, Result>,
  { route, registry = register, tally, exclude = [] }: MeasuredFetchOptions<Rest>,
): Handler<Rest, Result> {
  const metrics = metricsOf(registry, tally)
  const end = (inFlight: MeasuredRequest, routed: string | undefined, response: Result): Result => {
    metrics.end(inFlight, routed ?? UNMATCHED, response?.status ?? 101)
    return response
  }
  const fail = (inFlight: MeasuredRequest, routed: string | undefined, error: unknown): never => {
    metrics.end(inFlight, routed ?? UNMATCHED, 500)
    metrics.exception(routed ?? UNMATCHED, error)
    throw error
  }

  return function measure(this: unknown, request, ...rest) {
    if (exclude.length > 0 && exclude.includes(new URL(request.url).pathname))
      return handler.call(this, request, ...rest)
    const inFlight = metrics.begin(request.method)
    let response: Result | Promise<Result>
    try {
      response = handler.call(this, request, ...rest)
    } catch (error) {
      return fail(inFlight, route(request, ...rest), error)
    }
    if (!(response instanceof Promise)) return end(inFlight, route(request, ...rest), response)
    return response.then(
      (settled) => end(inFlight, route(request, ...rest), settled),
      (error: unknown) => fail(inFlight, route(request, ...rest), error),
    )
  }
}
