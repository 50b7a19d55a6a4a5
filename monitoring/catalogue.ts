/** The catalogue as the README prints it: `bun monitoring/catalogue.ts`. Where a family is shown comes from the dashboards. */

import { omitted } from './exceptions.ts'
import { families } from './families.ts'
import { dashboards } from './grafana/dashboards.ts'
import { queriesOf } from './grafana/queries.ts'

/** One row for each family. */
export function catalogueTable(): string {
  const rows = families.map(([name, type, labels, meaning]) =>
    [`\`${name}\``, type, labels.replace(/\w+/g, '`$&`'), meaning, shownOn(name)].join(' | '),
  )
  return ['family | type | labels | meaning | shown on', '- | - | - | - | -', ...rows]
    .map((row) => `| ${row} |`)
    .join('\n')
}

function shownOn(family: string): string {
  const isAsked = new RegExp(`\\b${family}(_bucket|_sum|_count)?\\{`)
  const titles = dashboards.filter((dashboard) => queriesOf(dashboard).some((query) => isAsked.test(query)))
  return titles.map(({ title }) => title).join(', ') || `not shown: ${omitted[family]}`
}

if (import.meta.main) console.log(catalogueTable())
