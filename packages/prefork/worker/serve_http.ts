/** Serves a `fetch` handler: Bun.serve on each address of a worker, and a drain that loses no request. */
import type { Address, Served } from '../shared/app.ts'
import { RequestCounters } from '../shared/request_counters.ts'
import { countRequests, type Handler, type MaybeResponse } from './count_requests.ts'
import { mapRoutes, type Routes } from './map_routes.ts'

/** Settings of Bun.serve, with the same meaning. */
export interface HttpOptions {
  fetch: Handler
  /** Seconds until an idle connection is closed, 0 to 255. */
  idleTimeout?: number
  /** Bun refuses larger bodies without giving a reason. An app with a limit of its own sets a smaller one. */
  maxRequestBodySize?: number
  /** Handlers of the WebSockets to which `fetch` upgrades requests. */
  websocket?: Bun.WebSocketHandler<unknown>
  routes?: Routes
  error?: (error: Error) => Response | Promise<Response>
  /** Called once, after the last response. The drain waits for its promise, within the drain time. */
  close?: () => void | Promise<void>
}

type ServeOptions = Bun.Serve.Options<unknown>

export interface HttpServed extends Served {
  /** One server for each address. */
  servers: readonly Bun.Server<any>[]
  /** The port of the first address. */
  port: number
}

/** @throws the error of an address that cannot be listened on. */
export function serveHttp(addresses: readonly Address[], { close, ...settings }: HttpOptions): HttpServed {
  const counters = RequestCounters.own
  // An app that has taken the tally counts, and pays for nothing here.
  const isCountedHere = counters && !counters.isCountedByApp
  const options = isCountedHere ? wrapHandlers(settings, (each) => countRequests(each, counters)) : settings
  const servers: Bun.Server<any>[] = []
  let closed: Promise<void> | undefined
  const stop = async (force: boolean) => void (await Promise.all(servers.map((each) => each.stop(force))))
  try {
    // The types have no idleTimeout beside `unix`; Bun does.
    for (const address of addresses) {
      servers.push(Bun.serve({ development: false, ...options, ...(address as object) } as ServeOptions))
    }
  } catch (error) {
    void stop(true)
    throw error
  }
  return {
    servers,
    port: servers[0]!.port!,
    lameDuck() {
      const last = wrapHandlers(options, lastOnConnection)
      for (const server of servers) server.reload(last as ServeOptions)
    },
    inFlight: () => servers.reduce((sum, each) => sum + each.pendingRequests, 0),
    async stop(force) {
      await stop(force)
      closed ??= Promise.resolve(close?.())
      await closed
    },
  }
}

function wrapHandlers<Options extends Pick<HttpOptions, 'fetch' | 'routes'>>(
  options: Options,
  wrap: (handler: Handler) => Handler,
): Options {
  const { fetch, routes } = options
  return { ...options, fetch: wrap(fetch), ...(routes ? { routes: mapRoutes(routes, wrap) } : {}) }
}

/** Adds `Connection: close` to the handler's responses. Bun then closes the connection (RFC 9112 section 9.6). */
function lastOnConnection(handler: Handler): Handler {
  const last = (response: MaybeResponse) => {
    response?.headers.set('Connection', 'close')
    return response
  }
  return (request, server) => {
    const response = handler(request, server)
    return response instanceof Promise ? response.then(last) : last(response)
  }
}
