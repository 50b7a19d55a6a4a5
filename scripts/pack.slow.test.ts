/** Another project can install the tarballs: it runs every example of both READMEs, and type-checks them strictly. */
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pack } from './pack.ts'

/** Installs from the registry, on a machine that may be busy. */
setDefaultTimeout(600_000)

const ROOT = join(import.meta.dir, '..')
const MAX_BYTES = 150_000
/** Not the versions of this repository, where others are allowed. */
const INSTALLED = [
  'elysia@1.4.29',
  'hono@4',
  '@sinclair/typebox@0.34',
  'typescript@7.0.2',
  '@types/bun@1.4.5',
]

const STRICT = {
  strict: true,
  target: 'ESNext',
  module: 'NodeNext',
  noEmit: true,
  types: ['bun'],
  skipLibCheck: true,
}
const STRICTER = {
  ...STRICT,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: false,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noUnusedLocals: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
}

let folder = ''
let tarballs: string[] = []
const examples: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'))
  tarballs = await pack(folder)
  await Bun.write(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  await run([process.execPath, 'add', ...tarballs, ...INSTALLED])
  for (const name of ['metrics', 'prefork']) {
    const readme = await Bun.file(join(ROOT, 'packages', name, 'README.md')).text()
    for (const [, code] of readme.matchAll(/```ts\n([^]*?)```/g)) {
      const file = join(folder, `${name}_${examples.length}.ts`)
      await Bun.write(file, code!)
      examples.push(file)
    }
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function run(command: string[], env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { ...Bun.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text())
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')} failed:\n${output}`)
  return output
}

/** The example that imports this. */
const exampleOf = (text: string): Promise<string> =>
  Promise.all(examples.map(async (file) => [file, await Bun.file(file).text()] as const)).then(
    (all) => all.find(([, code]) => code.includes(text))![0],
  )

test('the tarballs are small, and have neither tests nor versions of the workspace', async () => {
  for (const tarball of tarballs) {
    expect(Bun.file(tarball).size).toBeLessThan(MAX_BYTES)
    const files = (await run(['tar', 'tzf', tarball])).trim().split('\n')
    expect(files.filter((file) => /\.test\.|testdata|testing|bench/.test(file))).toEqual([])
    expect(files).toEqual(
      expect.arrayContaining([
        'package/LICENSE',
        'package/README.md',
        'package/dist/index.js',
        'package/dist/index.d.ts',
      ]),
    )
    const manifest = await run(['tar', 'xzOf', tarball, 'package/package.json'])
    expect(manifest).not.toMatch(/catalog:|workspace:|"private"|devDependencies|\.\/testing|\.\/bench/)
    const fields = Object.keys(JSON.parse(manifest))
    for (const field of [
      'license',
      'repository',
      'description',
      'keywords',
      'engines',
      'files',
      'sideEffects',
    ])
      expect(fields, basename(tarball)).toContain(field)
  }
})

test.each([
  ['strict', STRICT],
  ['stricter', STRICTER],
])('the examples type-check: %s', async (_, compilerOptions) => {
  await Bun.write(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: examples }))
  expect(await run([join(folder, 'node_modules', '.bin', 'tsc')])).toBe('')
})

test('the declarations of both packages have no errors of their own', async () => {
  const compilerOptions = { ...STRICTER, skipLibCheck: false }
  await Bun.write(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: examples }))
  const tsc = Bun.spawn([join(folder, 'node_modules', '.bin', 'tsc')], { cwd: folder, stdout: 'pipe' })
  const errors = (await new Response(tsc.stdout).text()).split('\n')
  expect(errors.filter((error) => error.includes('@bun-monitoring'))).toEqual([])
})

test('a program with metrics alone installs neither Elysia nor prom-client', async () => {
  const other = await mkdtemp(join(tmpdir(), 'packed-'))
  try {
    await Bun.write(join(other, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    await run([process.execPath, 'add', '--cwd', other, tarballs[0]!])
    const installed = [...new Bun.Glob('*').scanSync({ cwd: join(other, 'node_modules'), onlyFiles: false })]
    expect(installed.sort()).toEqual(['@bun-monitoring', 'memoirist'])
  } finally {
    await rm(other, { recursive: true })
  }
})

test("prom-client's API in one process", async () => {
  expect(await run([process.execPath, await exampleOf("labels('GET')")])).toContain(
    'requests_total{method="GET"} 2\n',
  )
})

test('two processes on one segment', async () => {
  expect(await run([process.execPath, await exampleOf('Segment.create')])).toContain('events_total 2\n')
})

test.each(['Bun.serve', "from 'elysia'", "from 'hono'"])('a measured server: %s', async (text) => {
  const server = Bun.spawn([process.execPath, await exampleOf(text)], {
    cwd: folder,
    env: { ...Bun.env, PORT: '0' },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  try {
    const { value } = await server.stdout.getReader().read()
    const url = new TextDecoder().decode(value).trim()
    expect(await (await fetch(url)).text()).toBe('hello\n')
    expect((await fetch(`${url}nowhere`)).status).toBe(404)
    const page = await (await fetch(`${url}metrics`)).text()
    const counts = [...page.matchAll(/^http_server_request_duration_seconds_count\{(.*)\} (\d+)$/gm)]
    expect(counts.map(([, labels, count]) => `${labels} ${count}`)).toEqual([
      'http_request_method="GET",http_route="/",http_response_status_code="200" 1',
      'http_request_method="GET",http_route="unmatched",http_response_status_code="404" 1',
    ])
  } finally {
    server.kill()
    await server.exited
  }
})

test('the example of prefork serves with workers, and its master has their metrics', async () => {
  await using hello = new TestProcess([await exampleOf('serveHttp')], {
    HELLO_PORT: '0',
    HELLO_ADMIN_PORT: '0',
  })
  const { url, admin } = await hello.ready()
  expect(await (await fetch(url)).text()).toBe('hello\n')
  expect(await (await fetch(`${admin}/metrics`)).text()).toContain('app_info{name="hello",version="1.0.0"')
})
