/** The tables of metrics in the README are those of the declarations. */
import { expect, test } from 'bun:test'
import { parseStats } from '../stats/parse.ts'
import type { Reading } from '../stats/scrape.ts'
import type { Family } from './metric_table.ts'
import { preforkPage } from './prefork.ts'
import { uwsgiFamilies } from './uwsgi.ts'
import { ScrapeCounts } from './uwsgi_exporter.ts'

const testdata = (name: string) => Bun.file(`${import.meta.dir}/../testdata/${name}`).text()
const reading = (text: string): Reading => ({
  target: 'u',
  durationSeconds: 1,
  ...parseStats(text, { withCores: true, acceptsAnyObject: false }),
})

/** A row for each family: name, type, labels and help. */
const rowsOf = (families: readonly Family[]) =>
  families.map(({ name, type, help, series }) => {
    const [sample] = series
    const labels = [...sample!.labels.matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``)
    return `| \`${name}\` | ${type} | ${labels.toSorted().join(', ')} | ${help.replace(/\.$/, '')} |`
  })

const withoutPadding = (row: string) => row.replaceAll(/ +/g, ' ')

const uwsgiDocument = async () => ({
  ...(JSON.parse(await testdata('uwsgi-stats.json')) as object),
  caches: [{ name: 'c', items: 1, max_items: 1, hits: 1, miss: 1, full: 1 }],
})

test.each([
  [
    'prefork',
    async () =>
      preforkPage([reading(await testdata('stats.json')), reading(JSON.stringify(await uwsgiDocument()))]),
  ],
  [
    'uwsgi',
    async () => [
      ...uwsgiFamilies([reading(JSON.stringify(await uwsgiDocument()))]),
      ...new ScrapeCounts().families(),
    ],
  ],
])(
  'namespace %s: name, type, labels and meaning of each metric are in the README',
  async (namespace, families) => {
    const readme = await Bun.file(`${import.meta.dir}/../README.md`).text()
    const [, section = ''] = readme.split(`\n## Metrics: namespace ${namespace}\n`)
    const rows = section
      .split('\n## ')[0]!
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    const expected = rowsOf(await families())
    expect(rows.map(withoutPadding)).toEqual(expected.map(withoutPadding))
    expect(expected.length).toBeGreaterThan(20)
  },
)
