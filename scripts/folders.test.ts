/** `bun test` is right in every folder: it finds a test, and leaves out those that take minutes. */
import { $ } from 'bun'
import { expect, test } from 'bun:test'
import { dirname, join } from 'node:path'
import { ROOT } from './external.ts'

const files = (await $`git ls-files`.cwd(ROOT).text()).trim().split('\n')
const tests = files.filter((file) => file.endsWith('.test.ts'))

/** A file's folder and those above it, without the root. */
const foldersAbove = (file: string): string[] => {
  const folder = dirname(file)
  return folder === '.' ? [] : [folder, ...foldersAbove(folder)]
}

test('every package has a test that is found in its folder', () => {
  const packages = files.filter((file) => file.endsWith('/package.json')).map(dirname)
  expect(packages.length).toBeGreaterThan(8)
  const lacking = packages.filter((folder) => !tests.some((file) => file.startsWith(`${folder}/`)))
  expect(lacking).toEqual([])
})

test('where a test of minutes is, or below, a bunfig.toml leaves it out: Bun reads only that of the current folder', async () => {
  const folders = new Set(tests.filter((file) => file.endsWith('.long.test.ts')).flatMap(foldersAbove))
  expect(folders.size).toBeGreaterThan(3)
  for (const folder of folders) {
    const settings = Bun.file(join(ROOT, folder, 'bunfig.toml'))
    const text = (await settings.exists()) ? await settings.text() : ''
    expect({ folder, leavesOut: text.includes('"**/*.long.test.ts"') }).toEqual({ folder, leavesOut: true })
  }
})
