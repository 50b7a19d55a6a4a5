/**
 * Events as vertical lines in every graph: starts of processes with their version, reloads, new workers, alerts.
 * The value of each series is the time of its event, so Grafana draws one line for each event, at that time.
 */

import { AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Matchers } from './promql.ts'
import { datasource } from './variables.ts'

type Event = readonly [name: string, color: string, title: string, timestamp: string]

const eventsOf = ({ selected, workers }: Matchers): readonly Event[] => [
  [
    'Starts and deploys',
    'blue',
    '{{job}} {{version}} started',
    `process_start_time_seconds{${selected}} * on (job, instance) group_left (version) app_info{${selected}}`,
  ],
  ['Reloads', 'purple', '{{app}} reloaded', `prefork_last_reload_timestamp_seconds{${workers}}`],
  [
    'New workers',
    'yellow',
    '{{app}} {{worker}} spawned',
    `prefork_worker_last_spawn_timestamp_seconds{${workers}}`,
  ],
]

/** The annotations of every dashboard; the switches at its top turn each off. */
export const annotationsOf = (matchers: Matchers): AnnotationQueryBuilder[] => [
  ...eventsOf(matchers).map(([name, color, title, timestamp]) =>
    annotation(name, color, title).expr(`${timestamp} * 1000`).useValueForTime(true),
  ),
  annotation('Alerts', 'red', '{{alertname}} {{app}}').expr(
    'ALERTS{alertstate="firing", alertname!="Watchdog"}',
  ),
]

function annotation(name: string, color: string, title: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(datasource)
    .enable(true)
    .iconColor(color)
    .titleFormat(title)
}
