/**
 * Mutants that no user could notice, each with the reason: `mutants.toml` of the folder, or of the nearest one above it. An entry
 * names the line as it is and as the mutant makes it, so it holds wherever the line moves, and is stale once the line changes.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Mutant } from './mutant.ts'

export const LIST = 'mutants.toml'

export interface Equivalent {
  /** The path from the root of the repository. */
  file: string
  original: string
  mutated: string
  reason: string
}

/** @throws Error when an entry lacks one of its four texts */
export function equivalentsOf(root: string, folder: string): Equivalent[] {
  const path = join(root, folder, LIST)
  if (!existsSync(path)) return folder === '.' ? [] : equivalentsOf(root, dirname(folder))
  const { equivalent = [] } = Bun.TOML.parse(readFileSync(path, 'utf8')) as { equivalent?: Equivalent[] }
  for (const entry of equivalent) {
    for (const key of ['file', 'original', 'mutated', 'reason'] as const)
      if (!entry[key]) throw new Error(`${join(folder, LIST)}: an entry for ${entry.file} has no ${key}`)
    entry.file = join(folder, entry.file)
  }
  return equivalent
}

export const matches = (entry: Equivalent, { file, original, mutated }: Mutant): boolean =>
  entry.file === file && entry.original === original && entry.mutated === mutated

/** A survivor as an entry of the list, without its reason. @param folder of the list */
export function entryOf({ file, original, mutated }: Mutant, folder: string): string {
  const text = (value: string) => (value.includes("'") ? JSON.stringify(value) : `'${value}'`)
  const fields = { file: file.slice(folder.length + 1), original, mutated, reason: '' }
  const lines = Object.entries(fields).map(([key, value]) => `${key} = ${text(value)}`)
  return `[[equivalent]]\n${lines.join('\n')}\n`
}
