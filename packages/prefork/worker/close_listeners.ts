/**
 * Closes the listeners of this process whose ports other workers share, and leaves their connections open. Bun's own
 * `server.stop()` also closes idle connections, and with them the requests that clients are about to send. Works for any server
 * in the process, also for one that listens on a port of its own choice.
 */
import { ptr } from 'bun:ffi'
import { closeSync, openSync } from 'node:fs'
import { libc } from '../shared/libc.ts'
import { type OwnListener, readHandshakes, readMigratesRequests, readOwnListeners } from '../shared/procfs.ts'
import { isShared, SOL_SOCKET } from './check_shared_port.ts'

/** How long the server may take to accept the connections that wait. A machine that is too busy needs longer than others. */
const ACCEPTED_WITHIN_MS = 10_000

/** How long the handshakes that have begun may take. A client that never ends its handshake has no connection to lose. */
const HANDSHAKE_WITHIN_MS = 1000

const SO_ATTACH_FILTER = 26

/**
 * A program of four struct sock_filter (linux/filter.h) that sees a TCP segment and drops it if it begins a connection. All
 * others pass: those that complete a handshake, and those of the connections, which inherit the program.
 */
const DROP_SYN = Uint16Array.from(
  [
    [0x30, 0, 13, 0], // A = the byte with the flags
    [0x45, 0x01_00, 0x02, 0], // if A lacks SYN, skip one
    [0x06, 0, 0, 0], // drop
    [0x06, 0, 0xff_ff, 0xff_ff], // pass
  ].flat(),
)

/** The listeners of this process that share their port, so that another worker can take the new connections. */
export const sharedListeners = (): OwnListener[] => readOwnListeners().filter(({ file }) => isShared(file))

/**
 * The kernel resets connections that wait at a listener when it closes, unless it moves them to another listener of the port
 * (`net.ipv4.tcp_migrate_req`). Without that a filter first keeps new connections away, until the server has accepted those that
 * have begun. A client whose SYN was dropped sends it again after a second, and reaches another worker.
 *
 * Then another file takes the place of each listener (dup2(2)), which closes it. The server still owns the file number and closes it
 * when it stops. Without a known C library or /proc the listeners stay open.
 */
export async function closeListeners(isMigrating = readMigratesRequests() === true): Promise<void> {
  const library = libc()
  if (!library) return
  const listeners = sharedListeners()
  if (!isMigrating) {
    const program = filterProgram(DROP_SYN)
    for (const { file } of listeners) {
      library.setsockopt(file, SOL_SOCKET, SO_ATTACH_FILTER, ptr(program), program.byteLength)
    }
    await untilAccepted(new Set(listeners.map(({ port }) => port)))
  }
  const other = openSync('/dev/null', 'r')
  for (const { file } of listeners) library.dup2(other, file)
  closeSync(other)
}

/** Waits for the handshakes that have begun, and until the queues are empty. */
async function untilAccepted(ports: ReadonlySet<number>): Promise<void> {
  const startedMs = performance.now()
  const isWithin = (ms: number) => performance.now() - startedMs < ms
  const begun = readHandshakes(ports)
  const shakesHands = () =>
    begun.size > 0 && isWithin(HANDSHAKE_WITHIN_MS) && !begun.isDisjointFrom(readHandshakes(ports))
  const isWaiting = () => shakesHands() || sharedListeners().some(({ queue }) => queue > 0)
  while (isWithin(ACCEPTED_WITHIN_MS) && isWaiting()) await new Promise(setImmediate)
}

/** A struct sock_fprog: the number of instructions, and at the next pointer's place their address. */
function filterProgram(instructions: Uint16Array): BigUint64Array {
  return BigUint64Array.of(BigInt(instructions.byteLength / 8), BigInt(ptr(instructions)))
}
