/** What a check left out: slow files, and what `bun test` skipped by its output, with the reasons that it prints (`SKIPPED: <reason>`). */

export interface Skipped {
  tests: number
  /** Each names the program that is missing. */
  reasons: readonly string[]
}

export function skippedIn(output: string): Skipped {
  const counts = output.matchAll(/^ *(\d+) skip$/gm)
  const reasons = output.matchAll(/^SKIPPED: (.+)$/gm)
  return {
    tests: [...counts].reduce((sum, [, count]) => sum + Number(count), 0),
    reasons: [...new Set([...reasons].map(([, reason]) => reason!))].toSorted(),
  }
}

/** The last lines of a check. @param failed names of the steps that failed @param slowFiles test files that were left out */
export function conclusion(
  failed: readonly string[],
  { tests, reasons }: Skipped,
  slowFiles: number,
): string {
  const count = (things: number, name: string) => `${things} ${name}${things === 1 ? ' was' : 's were'}`
  const lines = [failed.length > 0 ? `Failed: ${failed.join(', ')}.` : 'Everything holds.']
  if (tests > 0) lines.push(`${count(tests, 'test')} skipped:`, ...reasons.map((reason) => `  ${reason}`))
  if (slowFiles > 0)
    lines.push(`${count(slowFiles, 'slow test file')} left out: \`bun run check --all\` runs them.`)
  if (lines.length === 1 && failed.length === 0) return 'Everything holds, and no test was left out.'
  return lines.join('\n')
}
