/** `bun run dev` in a copy of the checkout: each kind of save restarts what it concerns, once, and a mistake is mended by the next save. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { $ } from 'bun'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { services } from '../services/names.ts'
import { PARTS } from './stack.ts'
import { copyTo, isClone } from './testing_files.ts'
import { Launcher } from './testing_launcher.ts'

const TEST_LIMIT_MS = 300_000

const folder = mkdtempSync(join(tmpdir(), 'dev-'))
const root = join(folder, 'checkout')
let dev: Launcher

const sh = (script: string) => $`sh -ec ${script}`.cwd(root).quiet()

/** What became of the processes after a save, in any order. */
const outcomes = () =>
  [...dev.output.matchAll(/^(\w+) (restarted in|did not start:|ended with)/gm)]
    .map(([, part, what]) => `${part} ${what}`)
    .toSorted()

/** Saves a file of the exporter, so that everything that an earlier save restarts has been noticed. @returns all outcomes but that of this save */
async function outcomesUntilNow(): Promise<string[]> {
  const seen = () => outcomes().filter((outcome) => outcome === 'exporter restarted in').length
  const before = seen()
  await sh('touch exporter/index.ts')
  while (seen() === before) await Bun.sleep(10)
  const all = outcomes()
  all.splice(all.indexOf('exporter restarted in'), 1)
  return all
}

const restarted = (...parts: readonly string[]) => parts.map((part) => `${part} restarted in`).toSorted()

/** Runs a script that saves, and waits for the outcomes. What was printed before is forgotten. */
async function waitAfter(script: string, expected: readonly string[]): Promise<void> {
  dev.output = ''
  await sh(script)
  for (const outcome of expected) await dev.says(`${outcome} `)
}

/** The same; there may be no other outcome. */
async function save(script: string, expected: readonly string[]): Promise<void> {
  await waitAfter(script, expected)
  expect(await outcomesUntilNow()).toEqual([...expected])
}

beforeAll(async () => {
  if (!isClone) return
  await copyTo(root)
  dev = new Launcher({ script: 'dev', cwd: root, args: ['--free-ports'] })
  await dev.says('Each save restarts')
}, TEST_LIMIT_MS)
afterAll(async () => {
  dev?.signal('SIGINT')
  await dev?.exit()
  rmSync(folder, { recursive: true })
}, TEST_LIMIT_MS)

describe.skipIf(!isClone)('one save restarts once what runs the file', () => {
  test.each<[what: string, script: string, parts: readonly string[]]>([
    ['a write in place', 'echo "// x" >> services/dogs/model.ts', ['dogs']],
    ['sed -i', "sed -i 's/the breed/the race/' services/dogs/model.ts", ['dogs']],
    ['git stash', 'git stash --quiet', ['dogs']],
    ['git stash pop', 'git stash pop --quiet', ['dogs']],
    ['git checkout', 'git checkout --quiet services/dogs', ['dogs']],
    [
      'an editor that keeps the old file as a backup',
      'cp gateway/gateway.toml x; echo >> x; mv gateway/gateway.toml gateway/gateway.toml~; mv x gateway/gateway.toml; rm gateway/gateway.toml~',
      ['gateway'],
    ],
    ['a page', 'echo "<!-- x -->" >> gateway/routing/page.html', ['gateway']],
    ['a file of every service', 'echo "// x" >> services/pets/app.ts', services],
    ['a style sheet', 'echo >> exporter/web/page/style.css', ['exporter']],
    ['an added file', 'echo > services/cats/added.ts', ['cats']],
    [
      'a saved file and a removed folder',
      'mkdir services/cats/old; mv services/cats/added.ts services/cats/old',
      ['cats'],
    ],
    ['a removed folder', 'echo "// x" >> services/cats/model.ts; rm -r services/cats/old', ['cats']],
    ['a folder that is made anew', 'cp -r gateway/io x; rm -r gateway/io; mv x gateway/io', ['gateway']],
    ['a file in it', 'echo "// x" >> gateway/io/write_queue.ts', ['gateway']],
    [
      'a hundred files',
      'for f in $(git ls-files "packages/*.ts" | head -100); do echo "// x" >> $f; done',
      PARTS,
    ],
    ['git checkout of a hundred files', 'git checkout --quiet packages', PARTS],
  ])(
    '%s',
    async (_, script, parts) => {
      await save(script, restarted(...parts))
    },
    TEST_LIMIT_MS,
  )
})

describe.skipIf(!isClone)('after a mistake the next save starts the process again', () => {
  test.each<[what: string, mistake: string, mended: string, part: string]>([
    [
      'a syntax error',
      'echo "const = 1" >> services/dogs/model.ts',
      'git checkout --quiet services/dogs',
      'dogs',
    ],
    ['a wrong setting', 'echo x >> gateway/gateway.toml', 'git checkout --quiet gateway', 'gateway'],
    [
      'a file that is imported before it is written',
      'echo "import \'./new/hello.ts\'" >> services/cats/index.ts',
      'mkdir services/cats/new; echo > services/cats/new/hello.ts',
      'cats',
    ],
    ['a removed folder', 'mv gateway/io x', 'mv x gateway/io', 'gateway'],
  ])(
    '%s',
    async (_, mistake, mended, part) => {
      await save(mistake, [`${part} did not start:`])
      await save(mended, restarted(part))
    },
    TEST_LIMIT_MS,
  )

  test(
    'a process that was killed is reported, and so is its new start',
    async () => {
      await waitAfter('touch services/dogs/index.ts', restarted('dogs'))
      const admin = /dogs .*admin=(\S+)/.exec(dev.output)![1]!
      const { pid } = (await (await fetch(`${admin}/stats`)).json()) as { pid: number }
      process.kill(pid, 'SIGKILL')
      await dev.says('dogs ended with exit code 137')
      await save('touch services/dogs/index.ts', restarted('dogs'))
    },
    TEST_LIMIT_MS,
  )
})

test.skipIf(!isClone)(
  'processes restart side by side',
  async () => {
    await waitAfter('touch packages/prefork/index.ts', restarted(...PARTS))
    const lines = dev.output.split('\n')
    const last = (line: RegExp) => lines.findLastIndex((each) => line.test(each))
    const first = (line: RegExp) => lines.findIndex((each) => line.test(each))
    expect(last(/ \| draining /)).toBeLessThan(first(/ restarted in /))
  },
  TEST_LIMIT_MS,
)

test.skipIf(!isClone)(
  'closing the terminal ends everything in order, after the requests in flight',
  async () => {
    await waitAfter('touch gateway/index.ts', restarted('gateway'))
    const [, url, admin] = /gateway .*url=(\S+) admin=(\S+)/.exec(dev.output)!
    const inFlight = async () => {
      const { workers } = (await (await fetch(`${admin}/stats`)).json()) as {
        workers: { in_flight: number }[]
      }
      return workers.some(({ in_flight }) => in_flight > 0)
    }
    const response = Promise.withResolvers<string>()
    const { hostname, port } = new URL(url!)
    const client = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (_, bytes) => response.resolve(bytes.toString()),
        close: () => response.resolve('no response'),
      },
    })
    const body = JSON.stringify({ name: 'Rex', breed: 'Pug' })
    client.write(`POST /dogs/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`)
    while (!(await inFlight())) await Bun.sleep(10)
    dev.signal('SIGHUP')
    await dev.says('gateway    | draining')
    client.write(body)
    expect(await response.promise).toStartWith('HTTP/1.1 201 ')
    expect(await dev.exit()).toBe(0)
    expect(await $`pgrep -f ${root}`.nothrow().text()).toBe('')
  },
  TEST_LIMIT_MS,
)
