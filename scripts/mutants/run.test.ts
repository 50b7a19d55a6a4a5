/** The whole tool on a small repository, with a mutant of each verdict. */
import { $ } from 'bun'
import { afterAll, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isClone } from '../testing_files.ts'
import { LIST } from './equivalents.ts'
import type { Outcome } from './report.ts'
import { runMutants, type RunOptions } from './run.ts'
import { environmentOf, WorkingCopy } from './working_copy.ts'

const folder = mkdtempSync(join(tmpdir(), 'mutants-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const ADD = 'export const add = (a: number, b: number): number => a + b'
const FILES: Record<string, string> = {
  'tsconfig.json':
    '{ "compilerOptions": { "strict": true, "types": [] }, "include": ["part/code.ts", "part/loop.ts"] }',
  'part/code.ts': `export const isSmall = (n: number): boolean => n < 10
${ADD}
export const origin: { x: number } = { x: 1 }
`,
  'part/small.test.ts': `import { expect, test } from 'bun:test'
import { isSmall } from './code.ts'
test('small', () => expect([9, 10].map(isSmall)).toEqual([true, false]))
`,
  [`part/${LIST}`]: `[[equivalent]]
file = 'code.ts'
original = '${ADD}'
mutated = '${ADD.replace('+', '-')}'
reason = 'for this test'

[[equivalent]]
file = 'code.ts'
original = 'gone'
mutated = 'gone, too'
reason = 'for this test'
`,
}
const ADD_TEST = `import { expect, test } from 'bun:test'
import { add } from './code.ts'
test('add', () => expect(add(1, 2)).toBe(3))
`
const LOOP = {
  'part/loop.ts': `export function untilTen(n: number): number {
  while (n < 10) n++
  return n
}
`,
  'part/loop.test.ts': `import { expect, test } from 'bun:test'
import { untilTen } from './loop.ts'
test('until ten', () => expect(untilTen(3)).toBe(10))
`,
}
let count = 0

async function repository(changes: Record<string, string> = {}): Promise<string> {
  const root = join(folder, `repository${++count}`)
  for (const [path, text] of Object.entries({ ...FILES, ...changes })) await Bun.write(join(root, path), text)
  await $`git init --quiet`.cwd(root)
  return root
}

const options = (root: string, changes: Partial<RunOptions> = {}): RunOptions => ({
  root,
  folder: 'part',
  copies: mkdtempSync(join(folder, 'copies-')),
  files: '**',
  sample: Infinity,
  seed: 1,
  jobs: 1,
  // The machine may be busy; each mutant that loops takes this time.
  graceMs: 3000,
  signal: new AbortController().signal,
  print: () => {},
  ...changes,
})

const verdictsOf = (outcomes: readonly Outcome[]) =>
  Object.fromEntries(outcomes.map(({ mutated, verdict }) => [mutated, verdict]))

test.skipIf(!isClone)(
  'a mutant is noticed, times out, does not compile, survives, or is known to be equivalent',
  async () => {
    const root = await repository(LOOP)
    const { outcomes, stale } = await runMutants(options(root))
    expect(verdictsOf(outcomes)).toMatchObject({
      'export const isSmall = (n: number): boolean => n <= 10': 'noticed',
      'export const isSmall = (n: number): boolean => n < 11': 'noticed',
      'while (n < 10) ;': 'timed out',
      'export const add = (a: number, b: number): number => a - b': 'equivalent',
      'export const add = () => undefined': 'survived',
      'export const origin: { x: number } = {}': 'types',
      'export const origin: { x: number } = { x: 2 }': 'survived',
      'export function untilTen(n: number): number {}': 'noticed',
    })
    expect(stale).toMatchObject([{ original: 'gone' }])
    expect(await Bun.file(join(root, 'part/code.ts')).text()).toBe(FILES['part/code.ts']!)
  },
  300_000,
)

test.skipIf(!isClone)(
  'what is known is not tried again; a new test is tried on survivors alone',
  async () => {
    const root = await repository()
    const lines = async (): Promise<string[]> => {
      const printed: string[] = []
      await runMutants(options(root, { print: (line) => printed.push(line) }))
      return printed.filter((line) => /^\[|^running/.test(line))
    }
    await lines()
    expect(await lines()).toEqual([])
    await Bun.write(join(root, 'part/add.test.ts'), ADD_TEST)
    const again = await lines()
    expect(again.map((line) => line.replace(/^.*?\] /, ''))).toEqual([
      'running 1 of 2 test files without a mutant',
      'noticed: part/code.ts:2 ArrowFunction by part/add.test.ts: add',
      'survived: part/code.ts:3 NumberMoved',
      'types: part/code.ts:3 ObjectLiteral',
    ])
  },
  300_000,
)

test.skipIf(!isClone)(
  'a test that fails without a mutant is left out, and says so',
  async () => {
    const root = await repository({ 'part/add.test.ts': ADD_TEST.replace('toBe(3)', 'toBe(4)') })
    const printed: string[] = []
    const { outcomes } = await runMutants(options(root, { sample: 1, print: (line) => printed.push(line) }))
    expect(printed).toContain('part/add.test.ts fails without a mutant, and is left out: add')
    expect(outcomes).toHaveLength(1)
  },
  300_000,
)

test.skipIf(!isClone)(
  'a run that is stopped keeps what it knows',
  async () => {
    const root = await repository()
    const stopped = new AbortController()
    const print = (line: string) => line.startsWith('[2/') && stopped.abort()
    const { outcomes } = await runMutants(options(root, { signal: stopped.signal, print }))
    expect(outcomes.filter(({ verdict }) => verdict !== 'equivalent')).toHaveLength(2)
  },
  300_000,
)

test.skipIf(!isClone)('code that does not compile is refused', () => {
  expect(async () =>
    runMutants(options(await repository({ 'part/code.ts': 'export const a: number = `b`' }))),
  ).toThrow('the code does not compile')
})

test.skipIf(!isClone)(
  'what a test leaves behind is removed: processes of other sessions, files, shared memory',
  async () => {
    const copy = await WorkingCopy.make(await repository(), mkdtempSync(join(folder, 'copies-')))
    const program = `
    const child = Bun.spawn(['sleep', '300'], { detached: true })
    child.unref()
    const environment = Bun.file('/proc/' + child.pid + '/environ')
    while (!(await environment.text()).includes('TMPDIR')) await Bun.sleep(1)
    await Bun.write(process.env.TMPDIR + '/file', '')
    await Bun.write('/dev/shm/mutants-test-' + child.pid, '')
    const made = await new Response(Bun.spawn(['ipcmk', '-M', '64']).stdout).text()
    console.log(child.pid, process.env.TMPDIR, made.split(': ')[1].trim())`
    const { isGood, output } = await copy.run([process.execPath, '-e', program], 20_000)
    expect(isGood).toBe(true)
    const [pid, temporary, segment] = output.trim().split(' ')
    expect(segment).toMatch(/^\d+$/)
    expect(readFileSync('/proc/sysvipc/shm', 'utf8')).not.toMatch(new RegExp(`^ *\\d+ +${segment} `, 'm'))
    expect(existsSync(`/dev/shm/mutants-test-${pid}`)).toBe(false)
    expect(readdirSync(temporary!)).toEqual([])
    expect(environmentOf(pid!)).toBe('')
  },
)

test.skipIf(!isClone)('a program that takes too long is ended', async () => {
  const copy = await WorkingCopy.make(await repository(), mkdtempSync(join(folder, 'copies-')))
  expect(await copy.run(['sleep', '300'], 50)).toMatchObject({ isGood: false, isLate: true })
})
