/** The upstreams, as the admin port shows them: the same numbers as on the metrics page, by upstream. */
import type { MetricFamily } from '@bun-monitoring/metrics'

/** Gauges, and the name of each in the document. */
const SHOWN: Readonly<Record<string, string>> = {
  gateway_upstream_targets: 'targets',
  gateway_upstream_connections: 'connections',
  gateway_upstream_queue_length: 'waiting',
}

type Shown = number | Record<string, number>

/** `{ dogs: { targets: { healthy: 2, ... }, connections: { ... }, waiting: 0 } }` */
export function upstreamsDocument(families: readonly MetricFamily[]): Record<string, Record<string, Shown>> {
  const upstreams: Record<string, Record<string, Shown>> = {}
  for (const { name, series } of families) {
    const key = SHOWN[name]
    if (key === undefined) continue
    for (const { labels, value = 0 } of series) {
      const [upstream, state] = [...labels.matchAll(/"([^"]*)"/g)].map(([, text]) => text!)
      const shown = (upstreams[upstream!] ??= {})
      if (state === undefined) shown[key] = value
      else shown[key] = Object.assign(shown[key] ?? {}, { [state]: value })
    }
  }
  return upstreams
}
