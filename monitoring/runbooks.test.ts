/** Every name in quotation marks in a runbook or in the story of the demonstration is the title of a panel. */

import { expect, test } from 'bun:test'
import { story } from '../scripts/story.ts'
import { kinds } from '../services/testing_kinds.ts'
import { dashboards } from './dashboards.ts'
import { familyOf } from './exceptions.ts'
import { families } from './families.ts'
import { selectorsOf } from './grafana/promql-tree.ts'

type Titled = { title?: string; panels?: readonly Titled[] }
const titlesOf = ({ panels = [] }: Titled): string[] =>
  panels.flatMap((panel) => [panel.title ?? '', ...titlesOf(panel)])
const titles = new Set(dashboards.flatMap((dashboard) => titlesOf(dashboard as Titled)))

/** Names in quotation marks outside of code. */
const quoted = (text: string): string[] =>
  [...text.replace(/`[^`]*`/g, '').matchAll(/"([A-Z][^"]+)"/g)].map(([, name]) => name!)

test.each([...new Bun.Glob('runbooks/*.md').scanSync(import.meta.dir)].toSorted())(
  'the panels that %s names exist',
  async (file) => {
    const names = quoted(await Bun.file(`${import.meta.dir}/${file}`).text())
    expect(names.filter((name) => !titles.has(name))).toEqual([])
  },
)

/** Code in backticks. */
const codeIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)
const pages = await Promise.all(
  [...new Bun.Glob('runbooks/*.md').scanSync(import.meta.dir)]
    .toSorted()
    .map(async (file) => [file, await Bun.file(`${import.meta.dir}/${file}`).text()] as const),
)
/** Families that Prometheus itself makes for each target. */
const OF_SCRAPES = new Set(['scrape_samples_scraped'])

test.each(pages)('the metrics that %s names exist, and its queries parse', (_, text) => {
  const published = new Set(families.map(([name]) => name))
  const labels = new Set(families.flatMap(([, , names]) => names))
  const prefixes = [...new Set([...published].map((name) => name.split('_')[0]!))].join('|')
  for (const code of codeIn(text)) {
    if (/^(sum|topk|count|rate|resets|changes|\{__name__)/.test(code)) selectorsOf(code.replaceAll('; ', ''))
    const named = code.match(new RegExp(`\\b(?:${prefixes}|scrape)_[a-z_]+\\b`, 'g')) ?? []
    const isPrefix = code.includes('grep ^')
    const unknown = named.filter((name) =>
      isPrefix
        ? ![...published].some((each) => each.startsWith(name))
        : !published.has(familyOf(name)) && !labels.has(name) && !OF_SCRAPES.has(name),
    )
    expect([code, unknown]).toEqual([code, []])
  }
})

const repository = `${import.meta.dir}/..`
const compose = Bun.YAML.parse(await Bun.file(`${repository}/compose.yml`).text()) as { services: object }

test.each(pages)(
  'a shell can read the commands of %s, and compose.yml has the services in them',
  (_, text) => {
    const commands = codeIn(text).filter(
      (code) => /^(time )?[a-z_]+[a-z0-9]* [-\w/."'<$]/.test(code) && !/^(sum|count) /.test(code),
    )
    for (const command of commands) {
      const filled = command.replaceAll(/<[^>]+>/g, 'dogs').replaceAll('...', '')
      expect([command, Bun.spawnSync(['bash', '-nc', filled]).exitCode]).toEqual([command, 0])
      const [, service] =
        /^docker compose.* (?:exec|kill -s HUP|--since 10m|up -d(?: --scale)?) ([a-z]+)/.exec(filled) ?? []
      expect(['', 'dogs', ...Object.keys(compose.services)]).toContain(service ?? '')
    }
  },
)

/** Programs of the images: ours are Debian with Bun, that of Prometheus has no shell. */
const IN_OURS = ['bun', 'sh', 'getent', 'cat', 'ls', 'df']
const IN_IMAGES: Readonly<Record<string, readonly string[]>> = {
  prometheus: ['promtool', 'getent', 'cat', 'ls', 'df'],
  ...Object.fromEntries(
    ['gateway', 'exporter', ...kinds.map(({ name }) => name)].map((name) => [name, IN_OURS]),
  ),
}

test.each(pages)('what %s runs in a container is in its image', (_, text) => {
  for (const code of codeIn(text)) {
    const [, service, program] = /^docker compose exec (\S+) (\S+)/.exec(code) ?? []
    if (service !== undefined)
      expect([code, IN_IMAGES[service]]).toEqual([code, expect.arrayContaining([program])])
  }
})

/** Paths by port. */
const ADMIN = ['/healthz', '/readyz', '/metrics', '/stats']
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  8000: ['/dogs/clean/', '/dogs/', '/cats/'],
  9000: ADMIN,
  9117: ['/', '/metrics', '/probe'],
  9090: ['/api/v1/targets', '/api/v1/rules', '/api/v1/alerts', '/targets', '/alerts'],
  ...Object.fromEntries(
    kinds.flatMap(({ defaults }) => [
      [defaults.port, ['/healthz']],
      [defaults.adminPort, ADMIN],
    ]),
  ),
}

test.each(pages)('the addresses in %s are of a process of the stack that serves the path', (_, text) => {
  for (const [, url] of text.matchAll(/(https?:\/\/(?:127\.0\.0\.1|localhost|dogs|cats):[^\s'"`,)]+)/g)) {
    const { port, pathname } = new URL(url!)
    expect([url, ADDRESSES[port]]).toEqual([url, expect.arrayContaining([pathname])])
  }
})

/** Names of settings, which the code of a process declares in camel case. */
const declared = (
  await Promise.all(
    ['packages/prefork/shared/config.ts', 'services/pets/config.ts'].map((path) =>
      Bun.file(`${repository}/${path}`).text(),
    ),
  )
).join('\n')
const camelCase = (name: string) =>
  name.toLowerCase().replace(/_([a-z])/g, (__, letter: string) => letter.toUpperCase())

test.each(pages)('the settings and files that %s names exist', async (_, text) => {
  for (const code of codeIn(text)) {
    const [, setting] = /^(?:<P>_)?([A-Z]+(?:_[A-Z]+)+|WORKERS)$/.exec(code) ?? []
    if (setting !== undefined && !setting.startsWith('SQLITE') && setting !== 'POOL_TIMEOUT')
      expect([setting, declared.includes(`${camelCase(setting)}:`)]).toEqual([setting, true])
    for (const [path] of code.matchAll(/\b(?:gateway|monitoring|scripts|packages)\/[\w./-]*\w/g))
      expect([path, (await Bun.file(`${repository}/${path}`).exists()) || (await isFolder(path))]).toEqual([
        path,
        true,
      ])
  }
})

const isFolder = async (path: string): Promise<boolean> =>
  (
    await Array.fromAsync(new Bun.Glob('*').scan({ cwd: `${repository}/${path}`, onlyFiles: false })).catch(
      () => [],
    )
  ).length > 0

test('the panels that the demonstration names exist', () => {
  for (const { look } of story) {
    expect(quoted(look).length).toBeGreaterThan(0)
    expect(quoted(look).filter((name) => !titles.has(name))).toEqual([])
  }
})
