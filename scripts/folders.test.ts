/**
 * `bun test` is right in every folder: it runs the quick tests and the slow ones, and no others. Bun reads the bunfig.toml of the
 * current folder alone, so that each folder leaves out by itself what takes minutes.
 */
import { expect, test } from 'bun:test'
import { dirname, join } from 'node:path'
import { ROOT } from './external.ts'
import { filesOf, isClone } from './testing_files.ts'

const files = await filesOf()
/** Files that Bun takes for tests by their names. */
const named = files.filter((file) => /[._](test|spec)\.[cm]?[jt]sx?$/.test(file))

/** A file's folder and those above it, up to the root. */
const foldersAbove = (file: string): string[] =>
  file === '.' ? [] : [dirname(file), ...foldersAbove(dirname(file))]

const below = (folder: string, file: string) => folder === '.' || file.startsWith(`${folder}/`)

/** The tests that Bun finds in a folder. */
async function found(folder: string): Promise<string[]> {
  const settings = Bun.file(join(ROOT, folder, 'bunfig.toml'))
  const { test = {} } = ((await settings.exists()) ? Bun.TOML.parse(await settings.text()) : {}) as {
    test?: { pathIgnorePatterns?: string[] }
  }
  const leftOut = (test.pathIgnorePatterns ?? []).map((pattern) => new Bun.Glob(pattern))
  const start = folder === '.' ? 0 : folder.length + 1
  return named.filter((file) => below(folder, file) && !leftOut.some((glob) => glob.match(file.slice(start))))
}

/** The tests that Bun should find there: those of minutes only where there are no others. */
function expected(folder: string): string[] {
  const tests = named.filter(
    (file) =>
      below(folder, file) && file.endsWith('.test.ts') && (below('e2e', file) ? folder === 'e2e' : true),
  )
  const short = tests.filter((file) => !file.endsWith('.long.test.ts'))
  return short.length > 0 ? short : tests
}

test.skipIf(!isClone)(
  'in every folder Bun finds its tests, and leaves out those of minutes and what only looks like a test',
  async () => {
    const folders = [...new Set(named.flatMap(foldersAbove))].toSorted()
    expect(folders.length).toBeGreaterThan(50)
    for (const folder of folders)
      expect({ folder, tests: await found(folder) }).toEqual({ folder, tests: expected(folder) })
  },
)

test.skipIf(!isClone)('every package, and every folder with settings for tests, has a test', () => {
  const folders = files
    .filter((file) => /(^|\/)(package\.json|bunfig\.toml)$/.test(file))
    .map((file) => dirname(file))
  expect(folders.length).toBeGreaterThan(8)
  expect(folders.filter((folder) => expected(folder).length === 0)).toEqual([])
})

test.skipIf(!isClone)('a proxy of the environment stands in the way of no tests', async () => {
  const settings = files.filter((file) => /(^|\/)bunfig\.toml$/.test(file))
  const loaded = settings.map(async (file) => {
    const { test } = (await import(join(ROOT, file))) as { test: { preload: string[] } }
    return test.preload.map((path) => join(dirname(file), path))
  })
  expect(await Promise.all(loaded)).toEqual(settings.map(() => ['scripts/testing_proxy.ts']))

  const script = `import './testing_proxy.ts'
    await using server = Bun.serve({ port: 0, hostname: '0.0.0.0', fetch: () => new Response('here') })
    for (const host of ['127.0.0.1', '127.1.2.3', '0.0.0.0', 'localhost'])
      console.log(await (await fetch('http://' + host + ':' + server.port)).text())
    console.log(Bun.env.NO_PROXY.startsWith('example.org,'), Bun.env.no_proxy)`
  const proxy = { http_proxy: 'http://127.0.0.1:1', NO_PROXY: 'example.org', no_proxy: '' }
  const run = Bun.$`${process.execPath} -e ${script}`.cwd(import.meta.dir).env({ ...Bun.env, ...proxy })
  expect(await run.text()).toBe('here\nhere\nhere\nhere\ntrue 127.0.0.0/8,0.0.0.0,localhost,[::1],::1\n')
})

test('CI runs the slow tests, too', async () => {
  for (const path of ['.ci/run', '.github/workflows/check.yml'])
    expect(await Bun.file(join(ROOT, path)).text()).toContain('npx -y bun@1.4.5 run check --all\n')
})
