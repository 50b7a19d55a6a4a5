/** What earlier runs found, in a file of `.run/`: nothing is tried again while mutant and tests are the same. */
import { mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Result } from './trial.ts'

export class Records {
  private constructor(
    readonly path: string,
    /** By the key of the mutant. */
    readonly results: Record<string, Result>,
    /** Milliseconds of a test file without a mutant, by the hash of it and of all that it imports. */
    readonly times: Record<string, number>,
  ) {}

  static async open(path: string): Promise<Records> {
    const file = Bun.file(path)
    const { results = {}, times = {} } = (await file.exists()) ? await file.json() : {}
    return new Records(path, results, times)
  }

  /** @returns the result if it still says the same: what noticed the mutant is there, or every test passed. */
  valid(key: string, hashes: ReadonlySet<string>): Result | undefined {
    const result = this.results[key]
    if (result === undefined) return undefined
    const isNoticed = result.failed.length > 0
    const holds = isNoticed
      ? result.failed.every((hash) => hashes.has(hash))
      : [...hashes].every((hash) => result.passed.includes(hash))
    return holds ? result : undefined
  }

  async save(): Promise<void> {
    const { path, results, times } = this
    mkdirSync(dirname(path), { recursive: true })
    await Bun.write(`${path}.new`, JSON.stringify({ results, times }))
    renameSync(`${path}.new`, path)
  }
}
