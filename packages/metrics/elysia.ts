/**
 * Measures every request of an Elysia app, exactly once, by wrapping the app's own handler: that is the one place
 * where each answer passes with its true status, be it returned, thrown, refused by a schema or a static route.
 * A hook only says the route, because Elysia knows it already; for all else hooks see less (reference: elysia issue 1877)
 * and cost more.
 */
import type { AnyElysia } from 'elysia'
import { Memoirist } from 'memoirist'
import { HttpServerMetrics, type MeasuredRequest, type RequestTally, UNMATCHED } from './http.ts'
import type { Registry } from './registry.ts'

export interface HttpMetricsOptions {
  registry: Registry
  tally?: RequestTally
  /** Paths that are not counted, such as health checks. */
  exclude?: readonly string[]
}

/**
 * The plugin. Use it before the app's own `onError`, which would otherwise answer before the error is seen here.
 * A stream is counted when its head is ready. Routes added after the first request are `unmatched`.
 */
export const httpMetrics = ({ registry, tally, exclude = [] }: HttpMetricsOptions) => {
  const metrics = new HttpServerMetrics(registry, tally)
  const errors = new WeakMap<Request, unknown>()

  return <App extends AnyElysia>(app: App): App => {
    let routeOf: ((method: string, path: string) => string) | undefined
    let handle: (request: Request) => Response | Promise<Response>
    /** The request that is being handled at this very moment: none while everybody waits. */
    let current: MeasuredRequest | undefined

    /** Where no hook ran at once: unmatched, static, refused by a schema, or its body had to be awaited. */
    const findRoute = (request: Request, measured: MeasuredRequest): void => {
      if (measured.route !== '') return
      routeOf ??= routeFinder(app)
      metrics.routed(measured, routeOf(request.method, pathOf(request.url)))
    }

    const finish = (request: Request, measured: MeasuredRequest, status: number, thrown?: unknown): void => {
      metrics.end(measured, measured.route, status)
      if (status >= 500) {
        const error = thrown ?? errors.get(request)
        if (error !== undefined) metrics.exception(measured.route, error)
      }
    }

    const finishLater = (
      answer: Promise<Response>,
      request: Request,
      measured: MeasuredRequest,
    ): Promise<Response> =>
      answer.then(
        (response) => {
          finish(request, measured, response.status)
          return response
        },
        (error: unknown) => {
          finish(request, measured, 500, error)
          throw error
        },
      )

    // No function is made in here: most answers are there at once, and need none.
    const measure = (request: Request): Response | Promise<Response> => {
      if (isExcluded(request.url, exclude)) return handle(request)
      const measured = metrics.begin(request.method)
      let answer: Response | Promise<Response>
      current = measured
      try {
        answer = handle(request)
      } catch (error) {
        findRoute(request, measured)
        finish(request, measured, 500, error)
        throw error
      } finally {
        current = undefined
      }
      findRoute(request, measured)
      if (answer instanceof Promise) return finishLater(answer, request, measured)
      finish(request, measured, answer.status)
      return answer
    }

    // Braces, and no more of the context than this: Elysia reads the source of a hook to know what it costs.
    app.onBeforeHandle(({ route }) => {
      if (current) metrics.routed(current, route)
    })
    app.onError(({ request, error }) => void errors.set(request, error))
    app.wrap((next) => {
      // Elysia types a wrapped handler as a bare function.
      handle = next as unknown as typeof handle
      return measure
    })
    return app
  }
}

function isExcluded(url: string, paths: readonly string[]): boolean {
  // Most addresses do not even contain one.
  for (const path of paths) if (url.includes(path) && pathOf(url) === path) return true
  return false
}

/** Finds a route's pattern with the router that Elysia itself uses. */
function routeFinder(app: AnyElysia): (method: string, path: string) => string {
  const router = new Memoirist<string>()
  for (const { method, path } of app.routes) {
    router.add(method, path, path)
    const loose = path.endsWith('/') ? path.slice(0, -1) : `${path}/`
    if (loose !== '') router.add(method, loose, path)
  }
  const find = (method: string, path: string) => router.find(method, path)?.store
  return (method, path) =>
    find(method, path) ??
    (method === 'HEAD' ? find('GET', path) : undefined) ??
    (method === 'GET' ? find('WS', path) : undefined) ??
    find('ALL', path) ??
    UNMATCHED
}

function pathOf(url: string): string {
  // Without a valid Host the URL is a bare path.
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return end === -1 ? url.slice(start) : url.slice(start, end)
}
