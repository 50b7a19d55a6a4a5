/** Serves the app of a module in a worker, measured: plain Bun and Hono by method and status, Elysia also by route. */
import { HttpServerMetrics } from '@bun-monitoring/metrics'
import { httpMetrics } from '@bun-monitoring/metrics/elysia'
import type { Served, Worker } from '../shared/app.ts'
import { bodyBytes } from '../worker/body_bytes.ts'
import type { Handler } from '../worker/count_requests.ts'
import { mapRoutes } from '../worker/map_routes.ts'
import { serveHttp } from '../worker/serve_http.ts'
import { type AppModule, type ElysiaApp, isElysia, isRoutes, loadApp } from './app_module.ts'
import { measureRequests } from './measure_requests.ts'

export async function serveApp(file: string, worker: Worker): Promise<Served> {
  const app = await loadApp(file)
  return isElysia(app) ? serveElysia(app, worker) : serveModule(app, worker)
}

function serveModule(app: AppModule, { addresses, registry, tally }: Worker): Served {
  const metrics = new HttpServerMetrics(registry, tally)
  const { websocket, routes, idleTimeout, maxRequestBodySize } = app
  const onError = app.error?.bind(app)
  // An app with an error handler has answered all errors by the time Bun sees them.
  const measured = (handler: Handler, route: string) =>
    measureRequests(handler, route, metrics, tally, onError)
  const fetch = app.fetch?.bind(app) ?? (() => new Response('Not Found', { status: 404 }))
  return serveHttp(addresses, {
    fetch: measured(fetch, ''),
    ...(isRoutes(routes) && { routes: mapRoutes(routes, measured) }),
    ...(websocket && { websocket }),
    ...(idleTimeout !== undefined && { idleTimeout }),
    ...(maxRequestBodySize !== undefined && { maxRequestBodySize }),
  })
}

/** In seconds, as `app.listen` has it. */
const ELYSIAS_IDLE_TIMEOUT = 30

/** What `app.listen` does, without its server: lazy modules, hooks, WebSockets, and `server` in the context of handlers. */
async function serveElysia(app: ElysiaApp, { addresses, registry, tally }: Worker): Promise<Served> {
  await app.modules
  // Elysia's types are those of the app's own version.
  httpMetrics({ registry, tally })(app as never)
  // Elysia adds a hook only to routes that come after it: the others get the one that tells the error of a response.
  const onError = app.event.error?.at(-1)
  for (const { hooks } of app.routes) hooks.error = [onError, ...[hooks.error ?? []].flat()]
  app.compile()
  const send = (request: Request, response: Response) => {
    tally.sentBytes += bodyBytes(request.method, response)
    return response
  }
  const { idleTimeout = ELYSIAS_IDLE_TIMEOUT, maxRequestBodySize } = app.config.serve ?? {}
  const served = serveHttp(addresses, {
    fetch(request, server) {
      app.server = server
      const response = app.fetch(request)
      return response instanceof Promise
        ? response.then((each) => send(request, each))
        : send(request, response)
    },
    idleTimeout,
    ...(maxRequestBodySize !== undefined && { maxRequestBodySize }),
    websocket: { ...app.config.websocket, ...WEBSOCKET } as Bun.WebSocketHandler<unknown>,
    async close() {
      for (const { fn } of app.event.stop ?? []) await fn(app)
    },
  })
  app.server = served.servers[0]!
  for (const { fn } of app.event.start ?? []) await fn(app)
  return served
}

/** Elysia puts the handlers of a WebSocket into its data. */
type Handlers = Record<
  'open' | 'message' | 'drain' | 'close' | 'ping' | 'pong',
  ((...args: unknown[]) => unknown) | undefined
>
type Socket = Bun.ServerWebSocket<Handlers>

const WEBSOCKET = {
  open: (socket: Socket) => void socket.data.open?.(socket),
  message: (socket: Socket, message: unknown) => void socket.data.message?.(socket, message),
  drain: (socket: Socket) => void socket.data.drain?.(socket),
  close: (socket: Socket, code: number, reason: string) => void socket.data.close?.(socket, code, reason),
  ping: (socket: Socket, data: unknown) => void socket.data.ping?.(socket, data),
  pong: (socket: Socket, data: unknown) => void socket.data.pong?.(socket, data),
}
