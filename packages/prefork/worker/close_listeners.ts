/**
 * Closes the listeners of this process on a port, and leaves their connections open. Bun's own `server.stop()` also closes idle
 * connections, and with them the requests that clients are about to send. Works for any server in the process.
 */
import { closeSync, openSync } from 'node:fs'
import { libc } from '../shared/libc.ts'
import { readListenerFiles } from '../shared/procfs.ts'

/**
 * Puts another file in the place of each listener (dup2(2)), which closes the listener. The server still owns the file number
 * and closes it when it stops. Without a known C library or /proc the listeners stay open.
 */
export function closeListeners(port: number): void {
  const dup2 = libc()?.dup2
  if (!dup2) return
  const other = openSync('/dev/null', 'r')
  for (const file of readListenerFiles(port)) dup2(other, file)
  closeSync(other)
}
