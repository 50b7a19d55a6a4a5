import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { distance, NOT_SHIPPED, testFile } from './test_files.ts'
import { batches } from './trial.ts'

const root = mkdtempSync(join(tmpdir(), 'test-files-'))
afterAll(() => rmSync(root, { recursive: true }))

const write = (path: string, text: string) => Bun.write(join(root, path), text)
await write('part/code.ts', 'export const code = 1')
await write('part/wire.ts', "export { code } from './code.ts'")
await write('part/testing.ts', "export { code as wired } from './wire.ts'")
await write('part/direct.test.ts', "import { code } from './code.ts'\nuse(code)")
await write('part/through.test.ts', "import { wired } from './testing.ts'\nuse(wired)")
await write('part/code.more.test.ts', 'start("code.ts")')
await write('part/types.test.ts', "import type { A } from './code.ts'\nexport const a: A = 1")

const read = (name: string) => testFile(root, `part/${name}.test.ts`)

test.each([
  ['direct', 0],
  ['through', 1],
  ['code.more', 0],
  ['types', 2],
] as const)('%s.test.ts is at distance %i of code.ts', (name, expected) => {
  expect(distance(read(name), 'part/code.ts')).toBe(expected)
})

test('a result depends on the test and its helpers; the time also on the code', async () => {
  const before = read('through')
  await write('part/code.ts', 'export const code = 2')
  const changed = read('through')
  expect(changed.hash).toBe(before.hash)
  expect(changed.hashWithCode).not.toBe(before.hashWithCode)
  await write('part/testing.ts', "export { code as wired } from './wire.ts'\n")
  expect(read('through').hash).not.toBe(before.hash)
})

test('near and fast tests run first and together, slow ones alone', () => {
  const timed = (name: string, ms: number) => ({ ...read(name), ms })
  const all = [timed('types', 1), timed('through', 9000), timed('direct', 10), timed('code.more', 5000)]
  const names = batches(all, 'part/code.ts').map((batch) => batch.map(({ path }) => path))
  expect(names).toEqual([
    ['part/direct.test.ts'],
    ['part/code.more.test.ts'],
    ['part/through.test.ts'],
    ['part/types.test.ts'],
  ])
})

test.each([
  ['gateway/routing/route.ts', true],
  ['gateway/routing/route.test.ts', false],
  ['gateway/testing.ts', false],
  ['gateway/testing_load.ts', false],
  ['gateway/bench/upstream.ts', false],
  ['gateway/testdata/app.ts', false],
  ['gateway/latest.ts', true],
])('%s ships: %p', (path, ships) => {
  expect(!NOT_SHIPPED.test(path)).toBe(ships)
})
