/**
 * What every dashboard has in common: variables, annotations, links, refresh, time range, and where panels stand. What a
 * dashboard shows is in the file of its name; the list of them is dashboards.ts.
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
import { annotations } from './annotations.ts'
import type { Placeable } from './panels.ts'
import { variables } from './variables.ts'

/** Columns of a dashboard. */
const WIDTH = 24

/** Panels side by side, as wide as each other, under a heading if there is one. */
type Line = { heading?: string; isClosed?: boolean; height: number; panels: readonly Placeable[] }

type DashboardOptions = {
  /** Part of the URL and name of the generated file: never changed once published. */
  uid: string
  title: string
  description: string
  /** Besides those that every dashboard has. */
  variables?: readonly QueryVariableBuilder[]
  lines: readonly Line[]
}

/** By which dashboards find each other: each lists all others at its top. */
const TAG = 'bun-monitoring'

/** A dashboard in Grafana's classic JSON model, read-only: it is edited here, not in the browser. */
export function dashboardOf(options: DashboardOptions): Dashboard {
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
    .annotations(annotations)
  for (const { heading, isClosed = false, height, panels } of options.lines) {
    const placed = panels.map((panel, index) => {
      const built = panel.height(height).span(columnsOf(index, panels.length)).build()
      return { build: () => ({ ...built, id: idOf(built.title!) }) }
    })
    const row = heading === undefined ? undefined : new RowBuilder(heading).id(idOf(heading))
    if (isClosed) for (const panel of placed) row?.collapsed(true).withPanel(panel)
    if (row !== undefined) builder.withRow(row)
    if (!isClosed) for (const panel of placed) builder.withPanel(panel)
  }
  return builder.build()
}

/** A line of panels. */
export const line = (height: number, ...panels: Placeable[]): Line => ({ height, panels })

/** A line of panels under a heading. */
export const section = (heading: string, height: number, ...panels: Placeable[]): Line => ({
  heading,
  height,
  panels,
})

/** A line of panels under a heading that is closed, and asks nothing, until somebody opens it. */
export const detail = (heading: string, height: number, ...panels: Placeable[]): Line => ({
  ...section(heading, height, ...panels),
  isClosed: true,
})

/** What is left of a width that cannot be divided evenly goes to the first panels. */
function columnsOf(index: number, count: number): number {
  return Math.floor(WIDTH / count) + (index < WIDTH % count ? 1 : 0)
}

/** Links to one panel name its id, so it comes from the title, which is unique, not from the place. */
const idOf = (title: string): number => 1 + (Bun.hash.crc32(title) % 1_000_000)
