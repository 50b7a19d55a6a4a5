/** The Elysia app of one kind: metrics, errors, routes and API docs, in the order in which a request passes them. */
import type { Registry } from '@bun-monitoring/metrics'
import { httpMetrics } from '@bun-monitoring/metrics/elysia'
import type { Logger, RequestTally } from '@bun-monitoring/prefork'
import { Elysia } from 'elysia'
import type { Kind } from '../model/kind.ts'
import type { Store } from '../store/store.ts'
import type { BodyLimits } from './body.ts'
import { apiDocs } from './docs.ts'
import { errorResponse } from './errors.ts'
import { type Faults, injectFaults } from './fault_injection.ts'
import { petRoutes } from './routes.ts'

export interface AppParts {
  kind: Kind
  version: string
  store: Store
  limits: BodyLimits
  faults?: Faults
  registry: Registry
  tally: RequestTally
  log: Logger
}

export function petsApp({ kind, version, store, limits, faults, registry, tally, log }: AppParts) {
  return (
    // With a standard hostname Elysia looks for the path from a fixed offset and misses it behind a short Host.
    new Elysia({ normalize: false, handler: { standardHostname: false } })
      .use(httpMetrics({ registry, tally, exclude: ['/healthz'] }))
      .use(injectFaults(faults))
      .onError(({ error, code }) => errorResponse(error, code, log))
      .get('/healthz', () => new Response('ok\n'), { detail: { hide: true } })
      .use(petRoutes(kind, store, tally, limits))
      .use(apiDocs(kind, version))
  )
}
