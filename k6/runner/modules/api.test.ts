/**
 * The parts of k6 that the script uses, and that the runner therefore has. A new use fails here until the runner has it and it is
 * in this list.
 */

import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { Metrics } from '../metrics/metrics.ts'
import { k6Modules } from './k6_modules.ts'

const used = [
  'k6 check',
  'k6 sleep',
  'k6/execution scenario.startTime',
  'k6/execution test.abort',
  'k6/execution test.options.scenarios',
  'k6/execution vu.metrics.tags',
  'k6/http expectedStatuses',
  'k6/http request',
]

const folder = join(import.meta.dir, '../..')
const sources = [...new Bun.Glob('*.ts').scanSync(folder)].filter((name) => !name.endsWith('.test.ts'))

/** Names that a source imports from modules of k6, and the properties that it reads of a default import. */
function usesIn(source: string): string[] {
  const imports = source.matchAll(/^import (?!type\b)(?:(\w+)(?:, )?)?(?:\{([^}]*)\})? from '(k6[^']*)'/gm)
  return [...imports].flatMap(([, object, names = '', module]) => {
    const named = names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '))
    const read = new RegExp(String.raw`\b${object}((?:[?!]?\.\w+)+)`, 'g')
    const properties =
      object === undefined ? [] : [...source.matchAll(read)].map(([, path]) => path!.slice(1))
    return [...named, ...properties].map((name) => `${module} ${name}`)
  })
}

/** Tags have any name. */
const withoutTag = (use: string) => use.replace(/(vu\.metrics\.tags)\.\w+$/, '$1')

test('the script uses these parts of k6 and no others', async () => {
  const texts = await Promise.all(sources.map((name) => Bun.file(join(folder, name)).text()))
  const found = new Set(texts.flatMap(usesIn).map(withoutTag))
  expect([...found].toSorted()).toEqual(used)
})

test('the runner has each of them', () => {
  const facts = { startTime: 1, options: { scenarios: {} } }
  const modules = k6Modules(new Metrics(), facts)
  const lacking = used.filter((use) => {
    const [module, path] = use.split(' ') as [string, string]
    const { default: object, ...named } = modules[module]!
    // The properties of a user exist only in its iterations.
    if (path.startsWith('vu.')) return false
    return path.split('.').reduce<any>((value, name) => value[name], object ?? named) === undefined
  })
  expect(lacking).toEqual([])
})
