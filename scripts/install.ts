/**
 * Checks the version of Bun and installs the packages of the repository. The scripts of the root run this first, so that each of them
 * may be the first command in a new clone. Only builtins are imported, because nothing else may be there yet.
 */
import { join } from 'node:path'
import { engines } from '../package.json'

/**
 * @param script of package.json that runs
 * @returns what to do if this version of Bun is too old for the lock file and the code
 */
export const tooOld = (version: string, script = Bun.env.npm_lifecycle_event ?? 'up'): string | undefined =>
  Bun.semver.satisfies(version, `>=${engines.bun}`)
    ? undefined
    : `This is Bun ${version}, and the stack needs ${engines.bun}: npx -y bun@${engines.bun} run ${script}`

/** @returns whether it worked; if not, the problem is printed */
export async function install(): Promise<boolean> {
  const problem = tooOld(Bun.version)
  if (problem !== undefined) {
    console.error(problem)
    return false
  }
  const { exited } = Bun.spawn([process.execPath, 'install', '--frozen-lockfile'], {
    cwd: join(import.meta.dir, '..'),
    stdout: 'ignore',
    stderr: 'inherit',
  })
  const isInstalled = (await exited) === 0
  if (!isInstalled) console.error('The packages could not be installed: see above')
  return isInstalled
}

if (import.meta.main) process.exit((await install()) ? 0 : 1)
