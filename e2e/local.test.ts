/**
 * The first steps of a newcomer: a fresh clone of the last commit, `bun run up`, the API, the load test, the graphs, Ctrl+C. The stack
 * takes its default ports, so no other program may listen there.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Launcher } from '../scripts/testing_launcher.ts'
import { allTargetsAreUp, everyQueryHasData, load, reaches, useTheApi } from './smoke.ts'

const gateway = 'http://localhost:8000'
const prometheus = 'http://127.0.0.1:9090'
const folder = mkdtempSync(join(tmpdir(), 'bun-monitoring-'))
const clone = join(folder, 'clone')

/** Command lines of the processes that were started in the clone, or with a file of it. */
function processesOfClone(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return command.includes(clone) || readlinkSync(`/proc/${pid}/cwd`).startsWith(clone) ? [command] : []
      } catch {
        return [] // it has just ended
      }
    })
}

let launcher: Launcher
beforeAll(async () => {
  await Bun.$`git clone --quiet ${join(import.meta.dir, '..')} ${clone}`
  launcher = new Launcher({ script: 'up', cwd: clone })
  await launcher.says('Everything is ready')
}, 120_000)
afterAll(async () => {
  launcher.signal('SIGINT')
  await launcher.exit()
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

test('the URLs are printed', () => {
  for (const url of [`http://127.0.0.1:8000/dogs/`, 'http://127.0.0.1:9117/', prometheus]) {
    expect(launcher.output).toContain(url)
  }
})

test('pets are made, listed, read, changed and deleted through the gateway', () => useTheApi(gateway))

test('nothing of the admin ports is reached through the gateway', async () => {
  for (const path of ['/metrics', '/stats', '/healthz', '/readyz', '/dogs/metrics']) {
    expect((await fetch(gateway + path)).status).toBe(404)
  }
})

test('every family that is published has its line in the docs', async () => {
  const readmes = await Promise.all(
    ['docs/metrics.md', 'exporter/README.md'].map((path) => Bun.file(join(clone, path)).text()),
  )
  const pages = [9000, 9001, 9002, 9117].map(async (port) =>
    (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
  )
  const families = (await Promise.all(pages)).flatMap((page) =>
    [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!),
  )
  expect(families.length).toBeGreaterThan(40)
  expect(families.filter((name) => !readmes.some((readme) => readme.includes(`\`${name}\``)))).toEqual([])
})

test('promtool finds no problem in the pages', async () => {
  for (const port of [9000, 9001, 9002, 9117]) {
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const promtool = Bun.spawn(['promtool', 'check', 'metrics'], { stdin: new Blob([page]), stderr: 'pipe' })
    expect(await new Response(promtool.stderr).text()).toBe('')
    expect(await promtool.exited).toBe(0)
  }
})

test('all five targets are up', () => allTargetsAreUp(prometheus), 70_000)

test('under the smoke load every query of the dashboards has data, and no threshold is crossed', async () => {
  const [report] = await Promise.all([load(gateway, {}, '-e', 'SHAPE=smoke'), everyQueryHasData(prometheus)])
  expect(report).toContain('http_req_duration')
}, 200_000)

test('a second launcher says in one line that the stack runs, and the first goes on', async () => {
  const second = new Launcher({ script: 'up', cwd: clone })
  expect(await second.exit()).toBe(3)
  expect(second.output).toEndWith(
    'or use free ports: bun run up --free-ports\nerror: script "up" exited with code 3\n',
  )
  expect(second.output).toContain(
    `the stack did not start: it runs already in ${clone}, so port 8001 is taken: stop it there with Ctrl+C\n`,
  )
  expect((await fetch(`${gateway}/dogs/`)).status).toBe(200)
}, 60_000)

test('Ctrl+C ends everything within seconds, and leaves no process', async () => {
  const startedMs = performance.now()
  launcher.signal('SIGINT')
  expect(await launcher.exit()).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(10_000)
  expect(processesOfClone()).toEqual([])
}, 30_000)

test('a second Ctrl+C ends everything at once, and leaves no process and no file', async () => {
  const files = join(folder, 'files')
  mkdirSync(files)
  const metrics = ['DOGS', 'CATS', 'GATEWAY'].map((prefix) => [`${prefix}_METRICS_DIR`, files])
  launcher = new Launcher({
    script: 'up',
    cwd: clone,
    env: { ...Object.fromEntries(metrics), TMPDIR: files },
  })
  await launcher.says('Everything is ready')
  expect(readdirSync(files).filter((name) => name.startsWith('bun-metrics-'))).toHaveLength(3)
  launcher.signal('SIGINT')
  await launcher.says('stopping')
  launcher.signal('SIGINT')
  await launcher.exit()
  expect(processesOfClone()).toEqual([])
  expect(readdirSync(files)).toEqual([])
}, 60_000)

test('`bun run dev` restarts what a save by rename concerns; a syntax error says why, and the next save recovers', async () => {
  const gatewayEntry = join(clone, 'gateway/index.ts')
  const entry = await Bun.file(gatewayEntry).text()
  await Bun.write(gatewayEntry, `const = 1\n${entry}`)
  launcher = new Launcher({ script: 'dev', cwd: clone })
  await launcher.says('gateway did not start: error: Expected identifier but found "="')
  await launcher.says('The next save starts the stack again')
  await Bun.write(gatewayEntry, entry)
  await launcher.says('Everything is ready')
  /** Saves as editors and git do, and waits until a line says each text. */
  const save = async (path: string, change: (text: string) => string, ...texts: string[]) => {
    const file = join(clone, path)
    await Bun.write(`${file}~`, change(await Bun.file(file).text()))
    launcher.output = ''
    renameSync(`${file}~`, file)
    for (const text of texts) await launcher.says(text)
  }
  const restarted = (...parts: string[]) => parts.map((part) => `${part} restarted in`)
  await save('gateway/gateway.toml', (text) => `${text}\n`, ...restarted('gateway'))
  expect(launcher.output).not.toContain('dogs restarted')
  await save(
    'packages/metrics/index.ts',
    (text) => `${text}\n`,
    ...restarted('dogs', 'cats', 'gateway', 'exporter'),
  )
  const broken = 'dogs did not start: error: Expected identifier but found "="'
  await save('services/dogs/model.ts', (text) => `const = 1\n${text}`, broken)
  await save('services/dogs/model.ts', (text) => text.replace('const = 1\n', ''), ...restarted('dogs'))
  await reaches(gateway, 'dogs')
  launcher.signal('SIGINT')
  expect(await launcher.exit()).toBe(0)
  expect(processesOfClone()).toEqual([])
}, 120_000)
