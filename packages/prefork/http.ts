/** A `fetch` handler as a worker's server: Bun.serve on each of its addresses, and a drain that loses no request. */
import type { Address, Served } from './worker.ts'

type Handler = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>

export interface HttpOptions {
  fetch: Handler
  /** Seconds until an idle connection is closed, 0 to 255. */
  idleTimeout: number
  /** Bodies above that are refused by Bun, without a reason: have a limit of your own below. */
  maxRequestBodySize?: number
  /** What remains to be done when the last request is answered. */
  close?: () => void
}

/** A server whose port is known: that of its first address. */
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
    // With `unix` the types know no idleTimeout; Bun does.
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

/** Its answers say that their connection ends with them, and Bun then ends it (RFC 9112 section 9.6). */
function lastOnConnection(handler: Handler): Handler {
  const last = (response: Response) => {
    response.headers.set('Connection', 'close')
    return response
  }
  return (request, server) => {
    const answer = handler(request, server)
    return answer instanceof Promise ? answer.then(last) : last(answer)
  }
}
