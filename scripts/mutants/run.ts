/** The whole run: finds the mutants of a folder, tries them in copies of the repository, and keeps the results. */
import { $ } from 'bun'
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { entryOf, equivalentsOf, type Equivalent, matches } from './equivalents.ts'
import { faultsOf } from './faults.ts'
import { type Mutant, mutantOf, sampled } from './mutant.ts'
import { Records } from './records.ts'
import { type Outcome, progress } from './report.ts'
import { NOT_SHIPPED, testFile, type TestFile } from './test_files.ts'
import { failedTest, testCommand, type TimedTest, tried, TYPES } from './trial.ts'
import { WorkingCopy } from './working_copy.ts'

export interface RunOptions {
  /** The root of the repository. */
  root: string
  /** Relative to the root. */
  folder: string
  /** An empty folder for the copies. */
  copies: string
  /** A glob, relative to the folder. */
  files: string
  /** The most mutants to try. */
  sample: number
  seed: number
  /** The number of copies. */
  jobs: number
  /** The time to start that each run of tests has, beyond a multiple of what it takes without a mutant. */
  graceMs: number
  /** Ends the run early, with what is known by then. */
  signal: AbortSignal
  print: (line: string) => void
}

export interface Outcomes {
  outcomes: Outcome[]
  /** Entries of the list that match no mutant. */
  stale: Equivalent[]
}

/** A test file that takes longer is left out, and so is one that fails without a mutant. */
const LONGEST_MS = 300_000

/** @throws Error when the code does not compile as it is, or the folder has no tests */
export async function runMutants(options: RunOptions): Promise<Outcomes> {
  const { root, folder, sample, seed, jobs, signal, print } = options
  const records = await Records.open(recordsOf(options))
  const listed = (await $`git ls-files -co --exclude-standard ${folder}`.cwd(root).text()).trim().split('\n')
  const all = await mutantsIn(options, listed)
  const equivalents = equivalentsOf(root, folder)
  const isEquivalent = (mutant: Mutant) => equivalents.some((entry) => matches(entry, mutant))
  const picked = sampled(all, sample, seed)
  print(`${picked.length} of ${all.length} mutants, seed ${seed}`)

  const copies: WorkingCopy[] = []
  for (let job = 1; job <= jobs; job++)
    copies.push(await WorkingCopy.make(root, join(options.copies, String(job))))
  signal.addEventListener('abort', () => copies.forEach((copy) => copy.end()))
  const tests = await timed(testsIn(root, listed), copies, records, options)
  const hashes = new Set(tests.map(({ hash }) => hash))
  const open = picked.filter((mutant) => !isEquivalent(mutant) && !records.valid(mutant.key, hashes))
  const startedMs = performance.now()
  let done = 0
  await inParallel(copies, open, async (copy, mutant) => {
    const result = await tried(copy, mutant, tests, options.graceMs, records.results[mutant.key])
    if (signal.aborted) return
    records.results[mutant.key] = result
    done++
    print(progress(done, open.length, (performance.now() - startedMs) / done, mutant, result))
    await records.save()
  })
  const outcomes = picked.flatMap((mutant): Outcome[] => {
    if (isEquivalent(mutant)) return [{ ...mutant, verdict: 'equivalent' }]
    const result = records.valid(mutant.key, hashes)
    return result ? [{ ...mutant, ...result }] : []
  })
  await Bun.write(
    recordsOf(options).replace(/json$/, 'survivors.toml'),
    outcomes
      .filter(({ verdict }) => verdict === 'survived')
      .map((mutant) => entryOf(mutant, folder))
      .join('\n'),
  )
  const isCovered = ({ file }: Equivalent) => isChosen(options, file)
  const stale = equivalents.filter(
    (entry) => isCovered(entry) && !all.some((mutant) => matches(entry, mutant)),
  )
  return { outcomes, stale }
}

const recordsOf = ({ root, folder }: RunOptions): string =>
  join(root, '.run/mutants', `${folder.replaceAll('/', '-')}.json`)

const isChosen = ({ folder, files }: RunOptions, file: string): boolean =>
  file.startsWith(`${folder}/`) && new Bun.Glob(files).match(relative(folder, file))

async function mutantsIn(options: RunOptions, listed: readonly string[]): Promise<Mutant[]> {
  const code = listed.filter(
    (file) => file.endsWith('.ts') && !NOT_SHIPPED.test(file) && isChosen(options, file),
  )
  const mutants: Mutant[] = []
  for (const file of code) {
    const source = readFileSync(join(options.root, file), 'utf8')
    for (const fault of await faultsOf(file, source)) mutants.push(mutantOf(file, source, fault))
  }
  return mutants
}

const testsIn = (root: string, listed: readonly string[]): TestFile[] =>
  listed
    .filter((file) => file.endsWith('.test.ts') && !file.endsWith('.long.test.ts'))
    .map((file) => testFile(root, file))

/** Runs each test file without a mutant. */
async function timed(
  tests: readonly TestFile[],
  copies: readonly WorkingCopy[],
  records: Records,
  { folder, signal, print }: RunOptions,
): Promise<TimedTest[]> {
  const { times } = records
  const isCompiled = (await copies[0]!.run(TYPES, LONGEST_MS)).isGood
  if (!isCompiled && !signal.aborted)
    throw new Error('the code does not compile: see `bun --no-script check`')
  const open = tests.filter(({ hashWithCode }) => times[hashWithCode] === undefined)
  if (open.length > 0) print(`running ${open.length} of ${tests.length} test files without a mutant`)
  await inParallel(copies, open, async (copy, { path, hashWithCode }) => {
    const startedMs = performance.now()
    const { isGood, output } = await copy.run(testCommand([path]), LONGEST_MS)
    if (isGood) times[hashWithCode] = performance.now() - startedMs
    else if (!signal.aborted)
      print(`${path} fails without a mutant, and is left out: ${failedTest(output).test}`)
  })
  await records.save()
  const good = tests.flatMap((test) => {
    const ms = times[test.hashWithCode]
    return ms === undefined ? [] : [{ ...test, ms }]
  })
  if (good.length === 0 && !signal.aborted) throw new Error(`${folder} has no tests that pass`)
  return good
}

/** Each copy takes the next item when it is free. */
async function inParallel<T>(
  copies: readonly WorkingCopy[],
  items: readonly T[],
  act: (copy: WorkingCopy, item: T) => Promise<void>,
): Promise<void> {
  const left = items.values()
  await Promise.all(
    copies.map(async (copy) => {
      for (const item of left) {
        if (copy.isEnded) return
        await act(copy, item)
      }
    }),
  )
}
