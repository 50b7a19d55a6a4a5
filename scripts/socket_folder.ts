/**
 * The folder of the unix sockets of a local stack. Its name has the launcher's process id, so that the next start removes the folders
 * of launchers that were killed.
 */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Short: the path of a socket has room for 103 bytes. */
const PREFIX = 'bun-stack'

/** Makes a new folder, and removes those whose launcher is gone. */
export function newSocketFolder(parent = tmpdir()): string {
  for (const name of readdirSync(parent))
    if (isAbandoned(name)) rmSync(join(parent, name), { recursive: true })
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
