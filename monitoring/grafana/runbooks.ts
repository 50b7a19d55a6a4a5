/** The dashboard Runbooks: the sections of runbooks/, each in a panel with the name of its alert. Alerts link to these panels. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { panelId } from '../rules/rule.ts'
import { dashboardOf, line } from './dashboard.ts'
import { text } from './panels.ts'
import type { Matchers } from './promql.ts'

const FOLDER = join(import.meta.dir, '../runbooks')
const COLUMNS = 2

export type Section = { page: string; alert: string; content: string }

/** The sections of all pages: one for each alert. */
export function sections(): Section[] {
  return readdirSync(FOLDER)
    .toSorted()
    .flatMap((file) => {
      const page = file.replace('.md', '')
      const parts = readFileSync(join(FOLDER, file), 'utf8').split('\n## ').slice(1)
      return parts.map((part) => {
        const end = part.indexOf('\n')
        return { page, alert: part.slice(0, end), content: part.slice(end).trim() }
      })
    })
}

/** Panels of the alerts that the rules of these apps have, and of all others. */
export function runbooks(matchers: Matchers) {
  const all = sections()
  const panels = all.map(({ page, alert, content }) =>
    text(alert, `From runbooks/${page}.md`, linked(content, all)),
  )
  const lines = Array.from({ length: Math.ceil(panels.length / COLUMNS) }, (_, row) =>
    line(9, ...panels.slice(COLUMNS * row, COLUMNS * (row + 1))),
  )
  return dashboardOf(matchers, {
    uid: 'runbooks',
    title: 'Runbooks',
    description: 'For each alert: its meaning, what to check, how to fix it.',
    lines,
  })
}

/** Links between sections become links between panels. */
function linked(content: string, all: readonly Section[]): string {
  return content.replace(/\]\((?:\w+\.md)?#(\w+)\)/g, (link, anchor: string) => {
    const target = all.find(({ alert }) => alert.toLowerCase() === anchor)
    return target === undefined ? link : `](/d/runbooks?viewPanel=panel-${panelId(target.alert)})`
  })
}
