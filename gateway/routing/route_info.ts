/** Publishes where each route goes, as labels of a gauge that is always 1: the live page shows it. */
import { Gauge, type Registry } from '@bun-monitoring/metrics'
import type { Route } from './route.ts'

/** A route without an upstream responds itself: `upstream` is empty. */
export function publishRoutes(registry: Registry, routes: readonly Route[]): void {
  const info = new Gauge({
    name: 'gateway_route_info',
    help: 'Where a route goes, always 1; without an upstream it responds itself',
    labelNames: ['http_route', 'host', 'path', 'upstream'],
    aggregator: 'max',
    registers: [registry],
  })
  for (const { id, host, path, forward } of routes)
    info
      .labels(
        id,
        host.startsWith('.') ? `*${host}` : host,
        path.toString('latin1') || '/',
        forward?.upstream ?? '',
      )
      .set(1)
}
