/** Serves a `fetch` handler: Bun.serve on each address of a worker, and a drain that loses no request. */
import type { Address, Served } from '../shared/app.ts'

type Handler = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>

export interface HttpOptions {
  fetch: Handler
  /** Seconds until an idle connection is closed, 0 to 255. */
  idleTimeout: number
  /** Bun refuses larger bodies without giving a reason. An app with a limit of its own sets a smaller one. */
  maxRequestBodySize?: number
  /** Called after the last response. */
  close?: () => void
}

/** A server with its port, which is that of its first address. */
export interface HttpServed extends Served {
  port: number
}

/** @throws the error of an address that cannot be listened on. */
export function serveHttp(
  addresses: readonly Address[],
  { fetch, idleTimeout, maxRequestBodySize, close }: HttpOptions,
): HttpServed {
  const options = {
    idleTimeout,
    development: false,
    fetch,
    ...(maxRequestBodySize === undefined ? {} : { maxRequestBodySize }),
  }
  const servers: Bun.Server<undefined>[] = []
  const stop = async (force: boolean) => void (await Promise.all(servers.map((each) => each.stop(force))))
  try {
    // The types have no idleTimeout beside `unix`; Bun does.
    for (const address of addresses) servers.push(Bun.serve({ ...options, ...(address as object) }))
  } catch (error) {
    void stop(true)
    throw error
  }
  return {
    port: servers[0]!.port!,
    lameDuck() {
      for (const server of servers) server.reload({ ...options, fetch: lastOnConnection(fetch) })
    },
    async stop(force) {
      await stop(force)
      close?.()
    },
  }
}

/** Adds `Connection: close` to the handler's responses. Bun then closes the connection (RFC 9112 section 9.6). */
function lastOnConnection(handler: Handler): Handler {
  const last = (response: Response) => {
    response.headers.set('Connection', 'close')
    return response
  }
  return (request, server) => {
    const response = handler(request, server)
    return response instanceof Promise ? response.then(last) : last(response)
  }
}
