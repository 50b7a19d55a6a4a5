/**
 * The admin server: how the process family looks from outside. It listens on a port of its own, so that nothing here
 * can be reached through the traffic port. GET and HEAD only.
 */
import { page, type Registry } from '@bun-monitoring/metrics'
import type { ProcessConfig } from './config.ts'
import type { Family } from './family.ts'
import { problem } from './problem.ts'

/** What the admin server answers with; each is asked anew for each request. */
export interface AdminSources {
  metrics(request: Request): Response | Promise<Response>
  stats(): unknown
  /** Why the family cannot take traffic, or `undefined` when it can. */
  notReady(): string | undefined
  /** By path. */
  documents?: Readonly<Record<string, () => unknown>>
}

/** @param registry of which metrics and documents are made, as it is just then */
export function serveAdmin(
  { adminHost, adminPort }: ProcessConfig,
  { documents = {} }: Pick<Family, 'documents'>,
  registry: Registry,
  facts: Pick<AdminSources, 'stats' | 'notReady'>,
): Bun.Server<undefined> {
  const made = Object.entries(documents).map(
    ([path, make]) => [path, async () => make(await registry.families())] as const,
  )
  return Bun.serve({
    hostname: adminHost,
    port: adminPort,
    // Left out, Bun shares a port that is taken, and every second request goes astray.
    reusePort: false,
    development: false,
    fetch: adminHandler({
      ...facts,
      metrics: async (request) => page(await registry.families(), request),
      documents: Object.fromEntries(made),
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
  for (const [path, make] of Object.entries(sources.documents ?? {}))
    routes[path] = async () => Response.json(await make())
  return (request) => {
    // Without a valid Host, as in the health checks of old balancers, the URL is a bare path.
    const route = routes[URL.parse(request.url, 'http://admin')?.pathname ?? '']
    if (!route) return problem(404, `Known here: ${Object.keys(routes).join(', ')}`)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return problem(405, 'The admin server only answers GET and HEAD', { Allow: 'GET, HEAD' })
    }
    return route(request)
  }
}
