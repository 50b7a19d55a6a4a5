/** The limit of open files: how many connections fit into it, and whether it is reached. */
import { closeSync, openSync, readFileSync } from 'node:fs'

/** For the process itself: listeners, logs, shared memory, clients that are turned away. */
const OWN_FILES = 96

/** The soft limit of this process; without /proc it is not known. */
export function openFileLimit(): number {
  try {
    const line = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return line === null ? Infinity : Number(line[1])
  } catch {
    return Infinity
  }
}

/** The client connections that fit into `files`, beside a reserve for connections to upstreams. */
export function connectionsWithin(files: number, wanted: number, upstreamConnections: number): number {
  const available = files - OWN_FILES
  const reserve = Math.min(upstreamConnections, Math.floor(available / 4))
  return Math.max(1, Math.min(wanted, available - reserve))
}

/** Whether no further file can be opened. Bun reports a connection that fails for this reason as refused. */
export function lacksFiles(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return false
  } catch {
    return true
  }
}
