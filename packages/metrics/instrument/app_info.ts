/** Publishes name, version and runtime of the program, as labels of a gauge that is always 1. */
import { Gauge } from '../api/gauge.ts'
import type { Registry } from '../api/registry.ts'

export function publishAppInfo(registry: Registry, app: { name: string; version: string }): void {
  new Gauge({
    name: 'app_info',
    help: 'The build that runs, always 1',
    labelNames: ['name', 'version', 'bun_version'],
    aggregator: 'max',
    registers: [registry],
  })
    .labels(app.name, app.version, Bun.version)
    .set(1)
}
