/** No import runs up: within a part by the table in its README, between parts by the order of packages. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { services } from '../services/names.ts'
import { ROOT } from './external.ts'
import { importsOf, layersOf, violations } from './layers.ts'

/** The parts whose README has a table of folders. */
const PARTS: readonly string[] = [
  'packages/metrics',
  'packages/prefork',
  'services/pets',
  'gateway',
  'exporter',
  'k6',
  'k6/runner',
  'monitoring',
]

/** Each package with those of ours that it may depend on, tests included. */
const DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  'packages/metrics': [],
  'packages/prefork': ['metrics'],
  'services/pets': ['metrics', 'prefork'],
  ...Object.fromEntries(services.map((name) => [`services/${name}`, ['pets']])),
  gateway: ['metrics', 'prefork'],
  exporter: ['metrics', 'prefork'],
}

test.each([...PARTS])('%s: every import goes to a folder that stands above its own', (part) => {
  expect(violations(join(ROOT, part))).toEqual([])
})

test.each(Object.keys(DEPENDENCIES))('%s depends on no package above it', (part) => {
  const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, part, 'package.json'), 'utf8'))
  const ours = Object.keys(dependencies).flatMap((name) => name.split('@bun-monitoring/')[1] ?? [])
  expect(ours.filter((name) => !DEPENDENCIES[part]!.includes(name))).toEqual([])
})

const table = (...rows: string[]) =>
  ['| folder | holds | may import |', '| --- | --- | --- |', ...rows, '', 'more'].join('\n')

test('a table names what each folder may import', () => {
  const layers = layersOf(
    table('| `low/` | bytes | nothing |', '| `mid/` | x | `low/` |', '| `top/` | y | all above |'),
  )
  expect([...layers].map(([name, allowed]) => [name, [...allowed]])).toEqual([
    ['low', []],
    ['mid', ['low']],
    ['top', ['low', 'mid']],
  ])
})

test.each([
  ['a README without a table', 'words'],
  [
    'a folder that may import one below it in the table',
    table('| `low/` | x | `top/` |', '| `top/` | y | nothing |'),
  ],
  ['a folder that may import itself', table('| `low/` | x | `low/` |')],
  ['a cell that names no folder', table('| `low/` | x | some |')],
  ['a row without a folder', table('| low | x | nothing |')],
])('%s is refused', (_, readme) => {
  expect(() => layersOf(readme)).toThrow()
})

test('imports are found in every form', () => {
  const source = [
    "import { a } from './a.ts'",
    "import type { B } from '../b/b.ts'",
    "export * from './c.ts'",
    "import './d.ts'",
    "const e = await import('../e.ts')",
    "type F = import('./f.ts').F",
    "import {\n  g,\n} from './g.ts'",
    "import { h } from 'node:fs'",
  ].join('\n')
  expect(importsOf(source)).toEqual([
    './a.ts',
    '../b/b.ts',
    './c.ts',
    './d.ts',
    '../e.ts',
    './f.ts',
    './g.ts',
  ])
})
