/**
 * The folder of the unix sockets of a local stack. Its name has the launcher's process id, so that the next start removes the folders
 * of launchers that were killed.
 */
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Short: the path of a socket has room for 103 bytes. */
const PREFIX = 'bun-stack'
const LONGEST_PARENT = 40

/** TMPDIR, unless it is missing, or too long for the paths of sockets. */
export const parentOf = (folder: string): string =>
  existsSync(folder) && folder.length <= LONGEST_PARENT ? folder : '/tmp'

/** Makes a new folder, and removes those of this user whose launcher is gone. */
export function newSocketFolder(parent = parentOf(tmpdir()), user = process.getuid?.()): string {
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name)
    const owner = statSync(folder, { throwIfNoEntry: false })?.uid
    if (isAbandoned(name) && owner === user) rmSync(folder, { recursive: true, force: true })
  }
  return mkdtempSync(join(parent, `${PREFIX}-${pidNamespace()}-${process.pid}-`))
}

/** Process ids of another container say nothing here: their folders stay. */
function isAbandoned(name: string): boolean {
  const [, namespace, pid] = /^bun-stack-(\d+)-(\d+)-/.exec(name) ?? []
  return pid !== undefined && namespace === pidNamespace() && !isAlive(Number(pid))
}

/** 0 on systems without namespaces. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]
  } catch {
    return '0'
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // A process of another user exists, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
