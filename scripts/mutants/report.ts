/** What the user reads in the end: the figures of each file, the survivors, and entries of the list that match nothing. */
import type { Equivalent } from './equivalents.ts'
import type { Mutant } from './mutant.ts'
import type { Result, Verdict } from './trial.ts'

export type Outcome = Mutant & { verdict: Verdict | 'equivalent'; by?: string | undefined }

const VERDICTS = ['noticed', 'timed out', 'survived', 'types', 'equivalent'] as const

/** The percentage of mutants that tests notice, of those that compile and that a user could notice. */
export function noticedPercent(outcomes: readonly Outcome[]): number {
  const count = countIn(outcomes)
  const noticed = count('noticed') + count('timed out')
  const all = noticed + count('survived')
  return all === 0 ? 100 : (noticed / all) * 100
}

export function report(outcomes: readonly Outcome[], stale: readonly Equivalent[]): string {
  const survivors = outcomes.filter(({ verdict }) => verdict === 'survived')
  const files = [...Map.groupBy(outcomes, ({ file }) => file)]
  return [
    row(['file', 'all', ...VERDICTS, 'noticed %']),
    ...files.map(([file, ofFile]) => figures(file, ofFile)),
    figures('in all', outcomes),
    ...survivors.map(
      ({ file, line, kind, original, mutated }) =>
        `\n${file}:${line} ${kind}\n  - ${original}\n  + ${mutated}`,
    ),
    ...stale.map(
      ({ file, original, mutated }) => `\nmatches no mutant: ${file}\n  - ${original}\n  + ${mutated}`,
    ),
  ].join('\n')
}

function figures(name: string, outcomes: readonly Outcome[]): string {
  const counts = VERDICTS.map((verdict) => String(countIn(outcomes)(verdict)))
  return row([name, String(outcomes.length), ...counts, noticedPercent(outcomes).toFixed(0)])
}

const row = ([name, ...cells]: readonly string[]): string =>
  name!.padEnd(45) + cells.map((cell) => cell.padStart(11)).join('')

const countIn = (outcomes: readonly Outcome[]) => (verdict: Outcome['verdict']) =>
  outcomes.filter((outcome) => outcome.verdict === verdict).length

/** A line for each mutant as it is tried. */
export function progress(done: number, all: number, msEach: number, mutant: Mutant, result: Result): string {
  const minutes = Math.ceil(((all - done) * msEach) / 60_000)
  const by = result.by === undefined ? '' : ` by ${result.by}`
  return `[${done}/${all}, ${minutes} min left] ${result.verdict}: ${mutant.file}:${mutant.line} ${mutant.kind}${by}`
}
