/** Installs the packages of the repository. Only builtins are imported, because nothing else may be there yet. */

/** @returns whether it worked; Bun has printed the problem if it did not */
export async function install(): Promise<boolean> {
  const { exited } = Bun.spawn([process.execPath, 'install', '--frozen-lockfile'], {
    stdout: 'ignore',
    stderr: 'inherit',
  })
  return (await exited) === 0
}
