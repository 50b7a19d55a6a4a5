/** Test helper. The files of this clone, without those that git ignores. */
import { $ } from 'bun'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { ROOT } from './external.ts'

export const isClone = isExpected(
  Bun.which('git') !== null && existsSync(join(ROOT, '.git')),
  'this is no clone, or git is not on PATH, so nothing checks the texts and folders of all files',
)

/** The paths that match a pattern of git; none if this is no clone. */
export const filesOf = async (...patterns: string[]): Promise<string[]> =>
  isClone
    ? (await $`git ls-files -co --exclude-standard ${patterns}`.cwd(ROOT).text()).trim().split('\n')
    : []
