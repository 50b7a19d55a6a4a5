/** What runbooks, alerts and the story of the demonstration call a panel is the name of one. */

import { expect, test } from 'bun:test'
import { story } from '../scripts/story.ts'
import { dashboards } from './grafana/dashboards.ts'

type Titled = { title?: string; panels?: readonly Titled[] }
const titlesOf = ({ panels = [] }: Titled): string[] =>
  panels.flatMap((panel) => [panel.title ?? '', ...titlesOf(panel)])
const titles = new Set(dashboards.flatMap((dashboard) => titlesOf(dashboard as Titled)))

/** Names in quotation marks, outside of code. */
const quoted = (text: string): string[] =>
  [...text.replace(/`[^`]*`/g, '').matchAll(/"([A-Z][^"]+)"/g)].map(([, name]) => name!)

test.each([...new Bun.Glob('runbooks/*.md').scanSync(import.meta.dir)].toSorted())(
  'panels that %s names are there',
  async (file) => {
    const names = quoted(await Bun.file(`${import.meta.dir}/${file}`).text())
    expect(names.filter((name) => !titles.has(name))).toEqual([])
  },
)

test('panels that the demonstration points to are there', () => {
  for (const { look } of story) {
    expect(quoted(look).length).toBeGreaterThan(0)
    expect(quoted(look).filter((name) => !titles.has(name))).toEqual([])
  }
})
