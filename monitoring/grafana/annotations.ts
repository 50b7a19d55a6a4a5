/**
 * What happened, as lines through every graph: starts of processes with their version, reloads, new workers, alerts.
 * An event's time is the value of its series, so that it is drawn once, where it happened.
 */

import { AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { selected, workers } from './promql.ts'
import { datasource } from './variables.ts'

const events: readonly [name: string, color: string, title: string, timestamp: string][] = [
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

const marks = events.map(([name, color, title, timestamp]) =>
  annotation(name, color, title).expr(`${timestamp} * 1000`).useValueForTime(true),
)

/** Of every dashboard; each can be switched off at its top. */
export const annotations = [
  ...marks,
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
