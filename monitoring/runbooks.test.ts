/** Every name in quotation marks in a runbook or in the story of the demonstration is the title of a panel. */

import { expect, test } from 'bun:test'
import { story } from '../scripts/story.ts'
import { dashboards } from './dashboards.ts'

type Titled = { title?: string; panels?: readonly Titled[] }
const titlesOf = ({ panels = [] }: Titled): string[] =>
  panels.flatMap((panel) => [panel.title ?? '', ...titlesOf(panel)])
const titles = new Set(dashboards.flatMap((dashboard) => titlesOf(dashboard as Titled)))

/** Names in quotation marks outside of code. */
const quoted = (text: string): string[] =>
  [...text.replace(/`[^`]*`/g, '').matchAll(/"([A-Z][^"]+)"/g)].map(([, name]) => name!)

test.each([...new Bun.Glob('runbooks/*.md').scanSync(import.meta.dir)].toSorted())(
  'the panels that %s names exist',
  async (file) => {
    const names = quoted(await Bun.file(`${import.meta.dir}/${file}`).text())
    expect(names.filter((name) => !titles.has(name))).toEqual([])
  },
)

test('the panels that the demonstration names exist', () => {
  for (const { look } of story) {
    expect(quoted(look).length).toBeGreaterThan(0)
    expect(quoted(look).filter((name) => !titles.has(name))).toEqual([])
  }
})
