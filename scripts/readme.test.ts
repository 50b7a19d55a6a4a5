/** The README agrees with the code: settings, scripts, links, licence. */
import { $ } from 'bun'
import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { schema as gatewaySettings } from '../gateway/config/settings.ts'
import { variableName } from '../packages/prefork/shared/config.ts'
import { serviceSettings } from '../services/pets/config.ts'
import { ROOT } from './external.ts'

const readme = await Bun.file(join(ROOT, 'README.md')).text()
/** Settings of different kinds differ only in their defaults. */
const kind = { name: 'dogs', fields: {}, defaults: { port: 8001, adminPort: 9001, databasePath: 'x' } }

test('it has a line for every setting, which says what the code says', () => {
  const settings = { ...serviceSettings(kind).properties, ...gatewaySettings.properties }
  const missing = Object.entries(settings).filter(([key, { description }]) => {
    const names = ['<P>', 'GATEWAY'].map((prefix) => `| \`${variableName(prefix, key)}\``)
    const row = readme.split('\n').find((line) => names.some((name) => line.startsWith(name)))
    return !row?.includes(description!.split(';')[0]!)
  })
  expect(missing.map(([key]) => key)).toEqual([])
})

test('it links only to what exists', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path!)
  expect(links.length).toBeGreaterThan(3)
  expect(links.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})

test('it names every script', async () => {
  const { scripts } = (await Bun.file(join(ROOT, 'package.json')).json()) as {
    scripts: Record<string, string>
  }
  expect(Object.keys(scripts).filter((name) => !readme.includes(`bun run ${name}`))).toEqual([])
})

test('every package has the licence of the repository', async () => {
  const tracked = await $`git ls-files package.json '*/package.json'`.cwd(ROOT).text()
  const packages = tracked.trim().split('\n')
  expect(packages.length).toBeGreaterThan(10)
  const licences = await Promise.all(
    packages.map(async (path) => [path, (await Bun.file(join(ROOT, path)).json()).license]),
  )
  expect(licences).toEqual(packages.map((path) => [path, 'Apache-2.0']))
  expect(await Bun.file(join(ROOT, 'LICENSE')).text()).toContain('Apache License')
  expect(readme).toContain('[Apache-2.0](LICENSE)')
})

test('Bun embeds the uWebSockets and uSockets that it says we run on', () => {
  const { uwebsockets, usockets } = process.versions as Record<string, string | undefined>
  expect(readme).toContain(uwebsockets!)
  expect(readme).toContain(usockets!)
})
