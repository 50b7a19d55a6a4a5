/**
 * The table of metric families in the README. `bun run --cwd monitoring families` writes families.json from the pages of running processes and
 * then the table. The last column comes from the dashboards.
 */

import { omitted } from './exceptions.ts'
import { families } from './families.ts'
import { dashboards } from './dashboards.ts'
import { queriesOf } from './grafana/queries.ts'

/** The heading above the table, which is the last section of the README. */
export const HEADING = '## Every family\n'

/** One row for each family. */
export function catalogueTable(): string {
  const rows = families.map(([name, type, labels, meaning]) =>
    [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      coded(meaning),
      shownOn(name),
    ].join(' | '),
  )
  return ['family | type | labels | meaning | shown on', '- | - | - | - | -', ...rows]
    .map((row) => `| ${row} |`)
    .join('\n')
}

/** Marks a label value such as __overflow__ as code: in Markdown it would be bold. */
const coded = (text: string) => text.replace(/__\w+__/g, '`$&`')

function shownOn(family: string): string {
  const reads = new RegExp(`\\b${family}(_bucket|_sum|_count)?\\{`)
  const titles = dashboards.filter((dashboard) => queriesOf(dashboard).some((query) => reads.test(query)))
  return titles.map(({ title }) => title).join(', ') || `not shown: ${omitted[family]}`
}
