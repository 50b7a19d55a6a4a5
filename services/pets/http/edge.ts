/**
 * The first and the last step of each request: refuses foreign hosts and origins, sets the fields that every response has,
 * and logs failed requests. It stands inside the metrics, so that refused requests are counted.
 */
import type { Logger } from '@bun-monitoring/prefork'
import type { AnyElysia } from 'elysia'
import { errorResponse } from './errors.ts'
import { addSecurityFields } from './fields.ts'
import { requireHost, requireOwnOrigin } from './origin.ts'
import { idsOf, lastRequestIdOf } from './request_ids.ts'

type Handler = (request: Request) => Response | Promise<Response>

export const requestEdge =
  (hosts: readonly string[], log: Logger) =>
  <App extends AnyElysia>(app: App): App => {
    const logsAll = log.isLevelEnabled('debug')
    const finish = (request: Request, startedMs: number, response: Response): Response => {
      const { headers, status } = response
      addSecurityFields(headers)
      const isLogged = status >= 400 || logsAll
      headers.set('X-Request-Id', lastRequestIdOf(request, isLogged))
      // Elysia adds `Content-Length: 0` to a response to HEAD.
      if (status === 304) headers.delete('content-length')
      if (isLogged) logRequest(log, request, startedMs, status)
      return response
    }

    // Elysia types a wrapped handler as a bare function.
    app.wrap((next) => {
      const handle = next as unknown as Handler
      return (request: Request): Response | Promise<Response> => {
        const startedMs = performance.now()
        const { method } = request
        try {
          if (hosts.length > 0 && pathnameOf(request.url) !== '/healthz') requireHost(request.headers, hosts)
          if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') requireOwnOrigin(request.headers)
        } catch (error) {
          return finish(request, startedMs, errorResponse(request, error, undefined, log))
        }
        const response = handle(request)
        if (!(response instanceof Promise)) return finish(request, startedMs, response)
        return response.then((later) => finish(request, startedMs, later))
      }
    })
    return app
  }

/** The path as it was sent. Without a valid `Host` the URL of a request is a bare path. */
export function pathnameOf(url: string): string {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return end === -1 ? url.slice(start) : url.slice(start, end)
}

function logRequest(log: Logger, request: Request, startedMs: number, status: number): void {
  const { method, url } = request
  const seconds = Number(((performance.now() - startedMs) / 1000).toFixed(6))
  const fields = { method, path: pathnameOf(url), status, seconds, ...idsOf(request) }
  if (status >= 400) log.info(fields, 'request')
  else log.debug(fields, 'request')
}
