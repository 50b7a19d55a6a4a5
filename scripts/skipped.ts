/** What `bun test` skipped, read from its output: how many tests, and the reasons that the tests print (`SKIPPED: <reason>`). */

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

/** The last lines of a check. @param failed names of the steps that failed */
export function conclusion(failed: readonly string[], { tests, reasons }: Skipped): string {
  const result = failed.length > 0 ? `Failed: ${failed.join(', ')}.` : 'Everything holds'
  const skipped = `${tests} test${tests === 1 ? ' was' : 's were'} skipped:`
  if (tests === 0) return failed.length > 0 ? result : `${result}, and no test was skipped.`
  const head = failed.length > 0 ? `${result}\n${skipped}` : `${result}, but ${skipped}`
  return [head, ...reasons.map((reason) => `  ${reason}`)].join('\n')
}
