/**
 * Closes the listeners of this process on a port, and leaves their connections open. Bun's own `server.stop()` also closes idle
 * connections, and with them the requests that clients are about to send. Works for any server in the process.
 */
import { ptr } from 'bun:ffi'
import { closeSync, openSync } from 'node:fs'
import { libc } from '../shared/libc.ts'
import { readMigratesRequests, readOwnListeners } from '../shared/procfs.ts'

/** How long connections that wait in the accept queue may take to be accepted. */
const ACCEPTED_WITHIN_MS = 1000

/** socket(7) on the processors that Bun runs on. */
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26

/** A struct sock_filter that is one instruction, `ret 0`: drop the packet (linux/filter.h). */
const DROP_ALL = Uint16Array.of(0x06, 0, 0, 0)

/**
 * The kernel resets connections that wait at a listener when it closes, unless it moves them to another listener of the port
 * (`net.ipv4.tcp_migrate_req`). Without that a filter first keeps new connections away, until the server has accepted those that
 * wait. A client whose SYN was dropped sends it again after a second, and reaches another worker.
 *
 * Then another file takes the place of each listener (dup2(2)), which closes it. The server still owns the file number and closes it
 * when it stops. Without a known C library or /proc the listeners stay open.
 */
export async function closeListeners(port: number): Promise<void> {
  const library = libc()
  if (!library) return
  if (readMigratesRequests() !== true) {
    const program = filterProgram(DROP_ALL)
    for (const { file } of readOwnListeners(port)) {
      library.setsockopt(file, SOL_SOCKET, SO_ATTACH_FILTER, ptr(program), program.byteLength)
    }
    const deadlineMs = performance.now() + ACCEPTED_WITHIN_MS
    while (readOwnListeners(port).some(({ queue }) => queue > 0) && performance.now() < deadlineMs) {
      await new Promise(setImmediate)
    }
  }
  const other = openSync('/dev/null', 'r')
  for (const { file } of readOwnListeners(port)) library.dup2(other, file)
  closeSync(other)
}

/** A struct sock_fprog: the number of instructions, and at the next pointer's place their address. */
function filterProgram(instructions: Uint16Array): BigUint64Array {
  return BigUint64Array.of(BigInt(instructions.byteLength / 8), BigInt(ptr(instructions)))
}
