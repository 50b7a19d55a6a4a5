/** The documents agree with the code: settings, scripts, links, licence. */
import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { schema as gatewaySettings } from '../gateway/config/settings.ts'
import { variableName } from '../packages/prefork/shared/config.ts'
import { serviceSettings } from '../services/pets/config.ts'
import { ROOT } from './external.ts'
import { filesOf, isClone } from './testing_files.ts'

const readme = await Bun.file(join(ROOT, 'README.md')).text()
/** Settings of different kinds differ only in their defaults. */
const kind = { name: 'dogs', fields: {}, defaults: { port: 8001, adminPort: 9001, databasePath: 'x' } }

test('every setting has a line, which says what the code says', async () => {
  const lines = (await Bun.file(join(ROOT, 'docs/settings.md')).text()).split('\n')
  const settings = { ...serviceSettings(kind).properties, ...gatewaySettings.properties }
  const missing = Object.entries(settings).filter(([key, { description }]) => {
    const names = ['<P>', 'GATEWAY'].map((prefix) => `| \`${variableName(prefix, key)}\``)
    const row = lines.find((line) => names.some((name) => line.startsWith(name)))
    return !row?.includes(description!.split(';')[0]!)
  })
  expect(missing.map(([key]) => key)).toEqual([])
})

const documents = await filesOf('*.md')

test.skipIf(!isClone).each(documents)('%s links only to what exists', async (document) => {
  const text = await Bun.file(join(ROOT, document)).text()
  const links = [...text.matchAll(/\]\((?![a-z]+:)([^)#]*)(?:#([^)]*))?\)/g)]
  const broken = links.filter(([, path = '', anchor]) => {
    const target = path === '' ? join(ROOT, document) : join(ROOT, dirname(document), path)
    return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor))
  })
  expect(broken.map(([link]) => link)).toEqual([])
})

/** As a forge makes them of the headings. */
const anchorsOf = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('the README names every script', async () => {
  const { scripts } = (await Bun.file(join(ROOT, 'package.json')).json()) as {
    scripts: Record<string, string>
  }
  expect(Object.keys(scripts).filter((name) => !readme.includes(`bun run ${name}`))).toEqual([])
})

test.skipIf(!isClone)('every package has the licence of the repository', async () => {
  const packages = await filesOf('package.json', '*/package.json')
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
