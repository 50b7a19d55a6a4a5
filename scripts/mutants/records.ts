/** What earlier runs found, in a file of `.run/`: nothing is tried again while mutant and tests are the same. */
import { mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Result } from './trial.ts'

interface Contents {
  /** By the key of the mutant. */
  results: Record<string, Result>
  /** Milliseconds of a test file without a mutant, by the hash of it and of all that it imports. */
  times: Record<string, number>
}

export class Records {
  readonly #path: string
  readonly #contents: Contents

  private constructor(path: string, contents: Contents) {
    this.#path = path
    this.#contents = contents
  }

  static async open(path: string, isFresh: boolean): Promise<Records> {
    const file = Bun.file(path)
    return new Records(
      path,
      !isFresh && (await file.exists()) ? await file.json() : { results: {}, times: {} },
    )
  }

  get results(): Record<string, Result> {
    return this.#contents.results
  }

  get times(): Record<string, number> {
    return this.#contents.times
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
    mkdirSync(dirname(this.#path), { recursive: true })
    await Bun.write(`${this.#path}.new`, JSON.stringify(this.#contents))
    renameSync(`${this.#path}.new`, this.#path)
  }
}
