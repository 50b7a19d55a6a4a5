/** Workers are started as the master was typed, so that a moved link leads them to new code. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gone, temporaryFolder } from '../testdata/toys.ts'
import { TestProcess } from '../testing.ts'
import { existingFolder, type Start, workerCommand } from './worker_command.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const folder = temporaryFolder()
afterAll(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'real/app'), { recursive: true })
symlinkSync('real', join(folder, 'link'))
const REAL = join(folder, 'real')
const LINK = join(folder, 'link')

const start = (commandLine: string, parts: Partial<Start> = {}): Start => ({
  commandLine: commandLine === '' ? [] : commandLine.split(' '),
  args: [],
  execPath: '/opt/bun',
  execArgv: [],
  main: join(REAL, 'app.ts'),
  cwd: REAL,
  logicalCwd: LINK,
  ...parts,
})

test.each<[string, Start, string, string]>([
  ['a script', start('bun app.ts'), '/opt/bun app.ts', LINK],
  ['`bun run` and flags', start('bun --smol run app.ts'), '/opt/bun --smol run app.ts', LINK],
  ['arguments', start('bun app.ts --watch x', { args: ['--watch', 'x'] }), '/opt/bun app.ts --watch x', LINK],
  ['a flag of the master', start('bun --no-orphans --inspect=1 app.ts'), '/opt/bun app.ts', LINK],
  ['--cwd=', start('bun --cwd=app x.ts', { cwd: join(REAL, 'app') }), '/opt/bun --cwd=app x.ts', LINK],
  ['--cwd', start('bun --cwd app x.ts', { cwd: join(REAL, 'app') }), '/opt/bun --cwd app x.ts', LINK],
  ['a $PWD of another folder', start('bun app.ts', { logicalCwd: '/' }), '/opt/bun app.ts', REAL],
  ['a $PWD that is gone', start('bun app.ts', { logicalCwd: join(folder, 'no') }), '/opt/bun app.ts', REAL],
  ['an empty $PWD', start('bun app.ts', { logicalCwd: '' }), '/opt/bun app.ts', REAL],
  ['no $PWD', start('bun app.ts', { logicalCwd: undefined }), '/opt/bun app.ts', REAL],
  [
    '--cwd= with a $PWD of another folder',
    start('bun --cwd=app x.ts', { cwd: join(REAL, 'app'), logicalCwd: '/' }),
    '/opt/bun x.ts',
    join(REAL, 'app'),
  ],
  [
    '--cwd with a $PWD of another folder',
    start('bun --cwd app --smol x.ts', { cwd: join(REAL, 'app'), logicalCwd: '/' }),
    '/opt/bun --smol x.ts',
    join(REAL, 'app'),
  ],
  ['a program by its path', start('app/../app x', { args: ['x'] }), `${LINK}/app x`, LINK],
  ['a program whose path is gone', start('./no x'), '/opt/bun x', LINK],
  [
    'no /proc',
    start('', { args: ['x'], execArgv: ['--smol', '--watch', '--cwd=app'] }),
    `/opt/bun --smol ${join(REAL, 'app.ts')} x`,
    REAL,
  ],
])('%s', (_, given, command, cwd) => {
  expect(workerCommand(given)).toEqual({ command: command.split(' '), cwd })
})

test('a process knows how it was started', async () => {
  const main = join(folder, 'main.ts')
  const module = JSON.stringify(join(import.meta.dir, 'worker_command.ts'))
  await Bun.write(main, `import { OWN_START } from ${module}; console.log(JSON.stringify(OWN_START))`)
  const command = [process.execPath, main, 'a', '--b']
  const { stdout, stderr } = Bun.spawnSync(command)
  expect(stderr.toString()).toBe('')
  expect(JSON.parse(stdout.toString())).toMatchObject({
    commandLine: command,
    args: ['a', '--b'],
    execPath: process.execPath,
    main,
    cwd: process.cwd(),
  })
})

test('a folder that was deleted is replaced by the nearest one above it', () => {
  expect(existingFolder(REAL)).toBe(REAL)
  expect(existingFolder(join(folder, 'no', 'such', 'folder'))).toBe(folder)
})

const APP = (version: string) => `
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig, run, serveHttp } from '${join(import.meta.dir, '../index.ts')}'
const settings = Type.Object(processSettings({ port: 0, adminPort: 0 }))
process.exit(await run({
  name: 'release', version: '1', prefix: 'RELEASE',
  config: () => readConfig(settings, 'RELEASE', { RELEASE_WORKERS: '1', RELEASE_LAME_DUCK_MS: '50' }),
  serve: (_, { addresses }) => serveHttp(addresses, { idleTimeout: 10, fetch: () => new Response(${JSON.stringify(version)}) }),
}))
`

test.each<[string, string[], string, string | undefined]>([
  ['a script below a link', ['current/app.ts'], '.', undefined],
  ['a script in a linked folder', ['app.ts'], 'current', undefined],
  ['--cwd', ['--cwd=current', './app.ts'], '.', undefined],
  ['an absolute path, and no $PWD', ['SITE/current/app.ts'], 'current', ''],
])(
  'a moved link and SIGHUP bring the new release, and the old one can be deleted: %s',
  async (_, args, cwd, pwd) => {
    const site = temporaryFolder()
    const release = async (version: string) => {
      await Bun.write(join(site, version, 'app.ts'), APP(version))
      symlinkSync(join(import.meta.dir, '../node_modules'), join(site, version, 'node_modules'))
      rmSync(join(site, 'current'), { force: true })
      symlinkSync(version, join(site, 'current'))
    }
    try {
      await release('v1')
      const typed = join(site, cwd)
      const command = args.map((each) => each.replace('SITE', site))
      await using server = new TestProcess(command, { PWD: pwd ?? typed }, { cwd: typed })
      const { url, admin } = await server.ready()
      const body = async () => (await fetch(url, { keepalive: false })).text()
      const pid = async () => {
        const { workers } = (await (await fetch(`${admin}/stats`)).json()) as { workers: { pid: number }[] }
        return workers[0]!.pid
      }
      expect(await body()).toBe('v1')
      const first = await pid()
      await release('v2')
      server.signal('SIGHUP')
      await server.line('reloaded')
      await gone([first])
      expect(await body()).toBe('v2')

      rmSync(join(site, 'v1'), { recursive: true })
      const second = await pid()
      process.kill(second, 'SIGKILL')
      while ((await pid()) === second || !(await fetch(`${admin}/readyz`)).ok) await Bun.sleep(10)
      expect(await body()).toBe('v2')
    } finally {
      rmSync(site, { recursive: true, force: true })
    }
  },
)
