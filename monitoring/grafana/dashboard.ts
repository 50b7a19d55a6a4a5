/**
 * What every dashboard has in common: variables, refresh, time range, and ids for its panels. What a dashboard
 * shows is in the file of its name; the list of them is dashboards.ts.
 */

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { variables } from './variables.ts'

type DashboardOptions = {
  /** Part of the URL and name of the generated file: never changed once published. */
  uid: string
  title: string
  description: string
  /** Laid out from the left, a new line where the widths add up to the dashboard's. */
  panels: readonly Builder<Panel>[]
}

/** A dashboard in Grafana's classic JSON model, read-only: it is edited here, not in the browser. */
export function dashboardOf(options: DashboardOptions): Dashboard {
  const builder = new DashboardBuilder(options.title)
    .id(null)
    .uid(options.uid)
    .description(options.description)
    .readonly()
    .refresh('10s')
    .time({ from: 'now-15m', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .variables(variables)
  for (const [index, panel] of options.panels.entries()) {
    // Links to one panel name its id, so it must not be left to Grafana.
    builder.withPanel({ build: () => ({ ...panel.build(), id: index + 1 }) })
  }
  return builder.build()
}
