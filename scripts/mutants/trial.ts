/** Tries one mutant: runs the tests in the order in which they are likely to notice it, until one does. */
import { distance, type TestFile } from './test_files.ts'
import type { Mutant } from './mutant.ts'
import type { Finished, WorkingCopy } from './working_copy.ts'

/** `types`: all tests pass, but the mutant does not compile, so it cannot be committed. */
export type Verdict = 'noticed' | 'timed out' | 'types' | 'survived'

export interface Result {
  verdict: Verdict
  /** The test that noticed it. */
  by?: string
  /** Hashes of the test files that passed with the mutant. */
  passed: readonly string[]
  /** Hashes of the test file that noticed it, or of several if the process died. */
  failed: readonly string[]
}

/** A test file that passes without a mutant, and how long that takes. */
export interface TimedTest extends TestFile {
  ms: number
}

export const TYPES = [process.execPath, '--no-script', 'check']

/** Test files that take longer run alone and last. */
const SLOW_MS = 1500

/** Beyond a multiple of the usual time, and a time to start, a run has hung. */
const USUAL_TIMES = 5
const TYPES_LIMIT_MS = 60_000

const FAILED = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/m

export const testCommand = (paths: readonly string[]): string[] => [
  process.execPath,
  'test',
  '--bail',
  ...paths.map((path) => `./${path}`),
]

/** Test files that run together, in order: near and fast ones first. */
export function batches(tests: readonly TimedTest[], file: string): TimedTest[][] {
  const isSlow = ({ ms }: TimedTest) => ms > SLOW_MS
  const near = [0, 1, 2].map((steps) => tests.filter((test) => distance(test, file) === steps))
  const fast = near.map((group) => group.filter((test) => !isSlow(test)))
  const slow = near.map((group) =>
    group
      .filter(isSlow)
      .toSorted((a, b) => a.ms - b.ms)
      .map((test) => [test]),
  )
  return [fast[0]!, fast[1]!, ...slow[0]!, ...slow[1]!, fast[2]!, ...slow[2]!].filter(
    (batch) => batch.length > 0,
  )
}

/**
 * @param graceMs the time to start that a run has beyond a multiple of its usual time
 * @param before the result of an earlier run: tests that passed then, and are the same now, do not run again
 */
export async function tried(
  copy: WorkingCopy,
  mutant: Mutant,
  tests: readonly TimedTest[],
  graceMs: number,
  before?: Result,
): Promise<Result> {
  const passed = tests.map(({ hash }) => hash).filter((hash) => before?.passed.includes(hash))
  const left = tests.filter(({ hash }) => !passed.includes(hash))
  return copy.with(mutant, async () => {
    for (const batch of batches(left, mutant.file)) {
      const run = await ranBatch(copy, batch, graceMs)
      const hashes = batch.map(({ hash }) => hash)
      if (run.isGood) passed.push(...hashes)
      else {
        const { file, test } = failedTest(run.output)
        const one = batch.filter(({ path }) => path === file).map(({ hash }) => hash)
        const failed = one.length > 0 ? one : hashes
        return { verdict: run.isLate ? 'timed out' : 'noticed', by: `${file}: ${test}`, passed, failed }
      }
    }
    const { isGood } = await copy.run(TYPES, TYPES_LIMIT_MS)
    return { verdict: isGood ? 'survived' : 'types', passed, failed: [] }
  })
}

/** A test file that takes long depends on the load of the machine: its failure counts if it comes twice. */
async function ranBatch(copy: WorkingCopy, batch: readonly TimedTest[], graceMs: number): Promise<Finished> {
  const usualMs = batch.reduce((sum, { ms }) => sum + ms, 0)
  const run = () => copy.run(testCommand(batch.map(({ path }) => path)), graceMs + USUAL_TIMES * usualMs)
  const first = await run()
  return first.isGood || first.isLate || usualMs <= SLOW_MS ? first : run()
}

/** The last test file that began, and its first test that failed. */
export function failedTest(output: string): { file: string; test: string } {
  const [before = '', test = 'no test failed, the process ended'] = output.split(FAILED)
  return { file: [...before.matchAll(/^(\S+\.test\.ts):$/gm)].at(-1)?.[1] ?? 'bun test', test }
}
