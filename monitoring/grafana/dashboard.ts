/**
 * The parts that all dashboards share: variables, annotations, links, refresh, time range, and the layout of panels. The
 * panels of a dashboard are in the file of its name; the list of dashboards is dashboards.ts.
 */

import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type QueryVariableBuilder,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { panelId } from '../rules/rule.ts'
import { annotationsOf } from './annotations.ts'
import { colorsOf } from './colors.ts'
import type { Panel } from './panels.ts'
import type { Matchers } from './promql.ts'
import { variables } from './variables.ts'

/** Columns of a dashboard. */
const WIDTH = 24

/** Panels of equal width side by side, under an optional heading. */
type Line = { heading?: string; isClosed?: boolean; height: number; panels: readonly Panel[] }

type DashboardOptions = {
  /** Part of the URL, and the name of the generated file: never change it once it is published. */
  uid: string
  title: string
  description: string
  /** In addition to those of every dashboard. */
  variables?: readonly QueryVariableBuilder[]
  lines: readonly Line[]
}

/** The tag of all our dashboards: each links to all others with it. */
const TAG = 'bun-monitoring'

/** A dashboard in Grafana's classic JSON model. It is read-only in the browser: changes are made here. */
export function dashboardOf(matchers: Matchers, options: DashboardOptions): Dashboard {
  const colors = colorsOf(matchers.apps)
  const builder = new DashboardBuilder(options.title)
    .id(null)
    .uid(options.uid)
    .description(options.description)
    .tags([TAG])
    .link(
      new DashboardLinkBuilder('Dashboards')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .includeVars(true)
        .keepTime(true),
    )
    .readonly()
    .refresh('10s')
    .time({ from: 'now-15m', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([...variables, ...(options.variables ?? [])])
    .annotations(annotationsOf(matchers))
  for (const { heading, isClosed = false, height, panels } of options.lines) {
    const placed = panels.map((panel, index) => {
      const built = panel(colors).height(height).span(columnsOf(index, panels.length)).build()
      return { build: () => ({ ...built, id: panelId(built.title!) }) }
    })
    const row = heading === undefined ? undefined : new RowBuilder(heading).id(panelId(heading))
    if (isClosed) for (const panel of placed) row?.collapsed(true).withPanel(panel)
    if (row !== undefined) builder.withRow(row)
    if (!isClosed) for (const panel of placed) builder.withPanel(panel)
  }
  return visible(builder.build())
}

/** The SDK hides links and switches of annotations in a menu. Without a placement Grafana shows them at the top. */
function visible(dashboard: Dashboard): Dashboard {
  const shown = <T extends object>(each: T): T => ({ ...each, placement: undefined })
  return {
    ...dashboard,
    links: (dashboard.links ?? []).map(shown),
    annotations: { list: (dashboard.annotations?.list ?? []).map(shown) },
  }
}

/** A line of panels. */
export const line = (height: number, ...panels: Panel[]): Line => ({ height, panels })

/** A line of panels under a heading. */
export const section = (heading: string, height: number, ...panels: Panel[]): Line => ({
  heading,
  height,
  panels,
})

/** A line of panels under a closed heading: its queries do not run until a viewer opens it. */
export const detail = (heading: string, height: number, ...panels: Panel[]): Line => ({
  ...section(heading, height, ...panels),
  isClosed: true,
})

/** If the width cannot be divided evenly, the first panels are one column wider. */
function columnsOf(index: number, count: number): number {
  return Math.floor(WIDTH / count) + (index < WIDTH % count ? 1 : 0)
}
