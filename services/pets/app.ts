/** The Elysia app of one kind: metrics, errors, routes, API docs and admin page, in the order in which a request passes them. */
import type { Registry } from '@bun-monitoring/metrics'
import { httpMetrics } from '@bun-monitoring/metrics/elysia'
import type { Logger, RequestTally } from '@bun-monitoring/prefork'
import { Elysia } from 'elysia'
import { adminRoutes } from './admin/routes.ts'
import type { AdminAccount } from './admin/sessions.ts'
import type { Kind } from './model/kind.ts'
import type { Store } from './store/store.ts'
import type { BodyLimits } from './http/body.ts'
import { apiDocs } from './http/docs/routes.ts'
import { requestEdge } from './http/edge.ts'
import { errorResponse } from './http/errors.ts'
import { type Faults, injectFaults } from './http/fault_injection.ts'
import { publicPathOf } from './http/public_path.ts'
import { petRoutes } from './http/routes.ts'

export interface AppParts {
  kind: Kind
  version: string
  store: Store
  limits: BodyLimits
  hosts: readonly string[]
  /** Instead of `X-Forwarded-Prefix`. */
  publicPath?: string | undefined
  /** Without it there is no admin page. */
  admin?: AdminAccount | undefined
  faults?: Faults
  registry: Registry
  tally: RequestTally
  log: Logger
}

export function petsApp({
  kind,
  version,
  store,
  limits,
  hosts,
  publicPath: publicPathSetting,
  admin,
  faults,
  registry,
  tally,
  log,
}: AppParts) {
  const publicPath = publicPathOf(publicPathSetting)
  return (
    // With a standard hostname Elysia looks for the path from a fixed offset and misses it behind a short Host.
    new Elysia({ normalize: false, handler: { standardHostname: false } })
      .use(requestEdge(hosts, log))
      .use(httpMetrics({ registry, tally, exclude: ['/healthz'] }))
      .use(injectFaults(faults))
      .onError(({ request, error, code }) => errorResponse(request, error, code, log))
      // The gateway takes a service out whose file is gone. While PostgreSQL is away all replicas fail alike and stay in.
      .get('/healthz', () =>
        store.outage === undefined
          ? new Response('ok\n')
          : new Response(`${store.outage}\n`, { status: 503 }),
      )
      .use(petRoutes(kind, store, tally, limits, publicPath))
      .use(apiDocs(kind, version, tally, publicPath))
      .use(adminRoutes(kind, store, limits, publicPath, admin, log))
  )
}
