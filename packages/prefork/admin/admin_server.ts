/**
 * The admin server of a cluster: /metrics, /stats, /healthz, /readyz. It listens on a port of its own, so that nothing here
 * can be reached through the traffic port. GET and HEAD only.
 */
import { CreationTimes, page, type Registry } from '@bun-monitoring/metrics'
import type { ProcessConfig } from '../shared/config.ts'
import { problem } from '../shared/problem.ts'

/** The sources of the responses. Each is called once for each request. */
export interface AdminSources {
  metrics(request: Request): Response | Promise<Response>
  stats(): unknown
  /** Why the cluster cannot take traffic, or `undefined` if it can. */
  notReady(): string | undefined
}

/** @param registry of the metrics page */
export function serveAdmin(
  { adminHost, adminPort }: ProcessConfig,
  registry: Registry,
  sources: Pick<AdminSources, 'stats' | 'notReady'>,
): Bun.Server<undefined> {
  const created = new CreationTimes(performance.timeOrigin / 1000)
  return Bun.serve({
    hostname: adminHost,
    port: adminPort,
    // Without this, Bun shares a port that is taken, and every second request goes to the other process.
    reusePort: false,
    development: false,
    fetch: adminHandler({
      ...sources,
      metrics: async (request) => page(await registry.families(), request, created),
    }),
  })
}

export function adminHandler(sources: AdminSources): (request: Request) => Response | Promise<Response> {
  const routes: Record<string, (request: Request) => Response | Promise<Response>> = {
    '/metrics': (request) => sources.metrics(request),
    // Exactly this type: uwsgi_exporter refuses a charset parameter.
    '/stats': () =>
      new Response(JSON.stringify(sources.stats()), { headers: { 'Content-Type': 'application/json' } }),
    '/healthz': () => new Response('ok\n'),
    '/readyz': () => {
      const reason = sources.notReady()
      return reason === undefined ? new Response('ready\n') : problem(503, reason)
    },
  }
  const paths = Object.keys(routes).join(', ')
  return (request) => {
    // Without a valid Host, as in the health checks of old balancers, the URL is a bare path.
    const path = URL.parse(request.url, 'http://admin')?.pathname ?? ''
    // Each path has a slash, so none is the name of a property that every object has.
    const route = routes[path]
    if (!route) return problem(404, `The paths of the admin server are ${paths}`)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return problem(405, 'The admin server only answers GET and HEAD', { Allow: 'GET, HEAD' })
    }
    return route(request)
  }
}
