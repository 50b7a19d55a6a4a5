import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../testdata/toys.ts'
import { nameOf, versionOf } from './app_package.ts'

const folder = temporaryFolder()
beforeAll(async () => {
  for (const path of ['a/b/c', 'a/none/d']) mkdirSync(join(folder, path), { recursive: true })
  await Bun.write(join(folder, 'a/package.json'), '{"version":"1.2.3"}')
  await Bun.write(join(folder, 'a/none/package.json'), '{"name":"x"}')
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each([
  ['app.ts', 'app'],
  ['/srv/my-app_1.test.js', 'my-app_1.test'],
  ['/srv/my app!.ts', 'my_app_'],
  ['', 'app'],
])('the name of %j is %s', (file, name) => expect(nameOf(file)).toBe(name))

test.each([
  ['a/app.ts', '1.2.3'],
  ['a/b/c/app.ts', '1.2.3'],
  ['a/none/app.ts', '0.0.0'],
  ['a/none/d/app.ts', '0.0.0'],
])('the version of %s is that of the nearest package.json: %s', async (file, version) => {
  expect(await versionOf(join(folder, file))).toBe(version)
})

test('an app without a package.json has a version, too', async () => {
  expect(await versionOf('/app.ts')).toBe('0.0.0')
})
