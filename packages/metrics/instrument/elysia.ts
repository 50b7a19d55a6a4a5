/**
 * Measures every request of an Elysia app, exactly once, by wrapping the app's own handler. Every response passes there with
 * its true status: returned, thrown, refused by a schema or static. A hook only tells the route, which Elysia knows already;
 * hooks do not see every response (elysia issue 1877) and cost more.
 */
import type { AnyElysia } from 'elysia'
import { Memoirist } from 'memoirist'
import { HttpServerMetrics, type MeasuredRequest, type RequestTally, UNMATCHED } from './http_server.ts'
import type { Registry } from '../api/registry.ts'

export interface HttpMetricsOptions {
  registry: Registry
  tally?: RequestTally
  /** Paths that are not counted, such as health checks. */
  exclude?: readonly string[]
}

/**
 * The plugin. Use it before the app's own `onError`, which would otherwise hide the error from it. A stream is counted when
 * its head is ready. Routes that are added after the first request are `unmatched`.
 * @throws Error for an app with `aot: false`: Elysia wraps no handlers there, so nothing would be counted.
 */
export const httpMetrics = ({ registry, tally, exclude = [] }: HttpMetricsOptions) => {
  const metrics = new HttpServerMetrics(registry, tally)
  const errors = new WeakMap<Request, unknown>()

  return <App extends AnyElysia>(app: App): App => {
    if (app.config.aot === false) refuseDynamicMode()
    let routeOf: ((method: string, path: string) => string) | undefined
    let handle: ((request: Request) => Response | Promise<Response>) | undefined
    /** The request whose handler is on the stack; undefined while all requests wait. */
    let current: MeasuredRequest | undefined

    /** Finds the route when no hook ran at once: unmatched, static, refused by a schema, or the body had to be awaited. */
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
      response: Promise<Response>,
      request: Request,
      measured: MeasuredRequest,
    ): Promise<Response> =>
      response.then(
        (settled) => {
          finish(request, measured, settled.status)
          return settled
        },
        (error: unknown) => {
          finish(request, measured, 500, error)
          throw error
        },
      )

    // No closure is made in here: most responses are ready at once and need none.
    const measure = (request: Request): Response | Promise<Response> => {
      if (isExcluded(request.url, exclude)) return handle!(request)
      const measured = metrics.begin(request.method)
      let response: Response | Promise<Response>
      current = measured
      try {
        response = handle!(request)
      } catch (error) {
        findRoute(request, measured)
        finish(request, measured, 500, error)
        throw error
      } finally {
        current = undefined
      }
      findRoute(request, measured)
      if (response instanceof Promise) return finishLater(response, request, measured)
      finish(request, measured, response.status)
      return response
    }

    // With braces, and only `route`: Elysia reads a hook's source to find which parts of the context it has to prepare.
    app.onBeforeHandle(({ route }) => {
      if (current) metrics.routed(current, route)
      else if (handle === undefined) refuseDynamicMode()
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

/** @throws always. Called at the first request when an app with `aot: false` uses a measured one. */
function refuseDynamicMode(): never {
  throw new Error(
    'httpMetrics cannot measure an Elysia app with aot: false: remove that option, or ELYSIA_AOT=false',
  )
}

function isExcluded(url: string, paths: readonly string[]): boolean {
  // `includes` is cheaper than taking the path out, and most URLs contain none of them.
  for (const path of paths) if (url.includes(path) && pathOf(url) === path) return true
  return false
}

/** Finds the pattern of a route, with the router that Elysia uses itself. */
function routeFinder(app: AnyElysia): (method: string, path: string) => string {
  // Elysia, too, serves a path with and without its last slash.
  const router = new Memoirist<string>({ loosePath: true })
  for (const { method, path } of app.routes) router.add(method, path, path)
  const find = (method: string, path: string) => router.find(method, path)?.store
  return (method, path) =>
    find(method, path) ??
    (method === 'HEAD' ? find('GET', path) : undefined) ??
    (method === 'GET' ? find('WS', path) : undefined) ??
    find('ALL', path) ??
    UNMATCHED
}

function pathOf(url: string): string {
  // When the request has no valid Host, the URL is a bare path.
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return end === -1 ? url.slice(start) : url.slice(start, end)
}
