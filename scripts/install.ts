/** Checks the version of Bun and installs the packages of the repository. Only builtins are imported, because nothing else may be there yet. */
import { basename } from 'node:path'
import { engines } from '../package.json'

/** @returns what to do if this version of Bun is too old for the lock file and the code. */
export const tooOld = (version: string, command = process.argv[1] ?? ''): string | undefined =>
  Bun.semver.satisfies(version, `>=${engines.bun}`)
    ? undefined
    : `This is Bun ${version}, and the stack needs ${engines.bun}: npx -y bun@${engines.bun} run ${basename(command, '.ts')}`

/** @returns whether it worked; if not, the problem is printed */
export async function install(): Promise<boolean> {
  const problem = tooOld(Bun.version)
  if (problem !== undefined) {
    console.error(problem)
    return false
  }
  const { exited } = Bun.spawn([process.execPath, 'install', '--frozen-lockfile'], {
    stdout: 'ignore',
    stderr: 'inherit',
  })
  const isInstalled = (await exited) === 0
  if (!isInstalled) console.error('The packages could not be installed: see above')
  return isInstalled
}
