/**
 * The gateway's traffic server: takes requests off Bun.serve, sends each along its way (target, route, upstream)
 * and counts it exactly once, whatever becomes of it. A request ends, for the metrics, when the head of its answer
 * is ready.
 */
import { UNMATCHED } from '@bun-monitoring/metrics'
import { serveHttp, type Worker } from '@bun-monitoring/prefork'
import type { Server } from 'bun'
import type { GatewayConfig } from './config.ts'
import { failureAnswer, Refusal } from './failure.ts'
import { Upstream } from './forward.ts'
import { GatewayMetrics } from './metrics.ts'
import { pageAnswer } from './page.ts'
import { findRoute, PAGE, targetOf } from './routes.ts'

const CLIENT_IDLE_SECONDS = 75

/** Serves traffic until it is stopped. */
export function serve(config: GatewayConfig, { registry, tally, log, addresses }: Omit<Worker, 'id'>) {
  const names = config.upstreams.map((upstream) => upstream.name)
  const metrics = new GatewayMetrics(registry, tally, names)
  const upstreams = new Map(config.upstreams.map((each) => [each.name, new Upstream(each, config, metrics)]))
  const routes = config.routes.map(({ id, path, upstream }) => ({
    id,
    path,
    upstream: upstreams.get(upstream)!,
  }))

  const answer = async (request: Request, server: Server<undefined>): Promise<Response> => {
    const measured = metrics.http.begin(request.method)
    const target = targetOf(request.url, request.headers.get('host'))
    const route = target && findRoute(routes, target.path)
    const isPage = target?.path === '/'
    const id = route?.id ?? (isPage ? PAGE : UNMATCHED)
    let response: Response
    try {
      if (!target) throw new Refusal(400, 'The request does not say, or says twice, which host it is for')
      if (route) {
        const address = server.requestIP(request)?.address
        response = await route.upstream.forward(request, target.pathAndQuery, address)
        if (isOpenEnded(response)) server.timeout(request, 0)
      } else if (isPage) response = pageAnswer(request.method)
      else throw new Refusal(404, `No route takes ${target.path}`)
    } catch (error) {
      response = failureAnswer(error)
      if (response.status >= 500) metrics.http.exception(id, error)
      if (response.status === 500) log.error({ err: error, route: id }, 'the gateway failed')
      else if (response.status > 500) log.warn({ route: id, status: response.status }, String(error))
    }
    metrics.http.end(measured, id, response.status)
    tally.sentBytes += sentBytes(request.method, response)
    return response
  }

  return serveHttp(addresses, {
    fetch: answer,
    idleTimeout: CLIENT_IDLE_SECONDS,
    // Ours is checked in body.ts: what Bun refuses is neither counted nor answered in our words.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  })
}

/** As far as the answer says: what is streamed without a length is not counted. */
const sentBytes = (method: string, { status, headers }: Response): number =>
  method === 'HEAD' || status === 304 ? 0 : Number(headers.get('content-length') ?? 0)

/** A stream may be quiet for longer than a client may be idle. */
const isOpenEnded = (response: Response): boolean =>
  response.body !== null && !response.headers.has('content-length')
