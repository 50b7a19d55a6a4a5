/** Test helper. The files of this clone, without those that git ignores, and a copy of them. */
import { $ } from 'bun'
import { existsSync, mkdirSync } from 'node:fs'
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

/** Copies the files as they are now, committed or not, into a new folder, which becomes a clone with one commit. */
export async function copyTo(folder: string): Promise<void> {
  mkdirSync(folder)
  await $`git ls-files -coz --exclude-standard | xargs -0 cp --parents --no-dereference -t ${folder}`.cwd(
    ROOT,
  )
  await $`git init --quiet && git add --all && git -c user.name=x -c user.email=x commit --quiet --message x`.cwd(
    folder,
  )
}
