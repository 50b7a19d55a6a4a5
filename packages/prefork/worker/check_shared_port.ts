/** Checks that the workers of a cluster can share the port on which an app listens. */
import { ptr } from 'bun:ffi'
import { existsSync } from 'node:fs'
import { StartError } from '../shared/bind.ts'
import { variableName } from '../shared/config.ts'
import { libc } from '../shared/libc.ts'
import { readOwnListeners } from '../shared/procfs.ts'

/** socket(7) on the processors that Bun runs on. */
export const SOL_SOCKET = 1
const SO_REUSEPORT = 15

/** Servers such as those of node:http listen some time after `listen` has returned. */
const LISTENS_WITHIN_MS = 1000
const LOOK_EVERY_MS = 10

/**
 * Waits for the app's listener on the port or on its unix socket, for a short time: an app may have none.
 * @throws {StartError} if it does not share its port.
 */
export async function checkSharedPort(port: number, prefix: string, socketPath?: string): Promise<void> {
  const deadlineMs = performance.now() + LISTENS_WITHIN_MS
  let listeners = readOwnListeners(port)
  const isOnSocket = () => socketPath !== undefined && existsSync(socketPath)
  while (listeners.length === 0 && !isOnSocket() && performance.now() < deadlineMs) {
    await Bun.sleep(LOOK_EVERY_MS)
    listeners = readOwnListeners(port)
  }
  if (listeners.some(({ file }) => !isShared(file))) throw notShared(port, prefix)
}

/** Also for a worker whose app finds the port taken: by the other workers. */
export const notShared = (port: number, prefix: string): StartError =>
  new StartError(
    `the app listens on port ${port} without sharing it (SO_REUSEPORT), so it can have no second worker and no reload. ` +
      "Bun's node:http, and with it Express, Fastify and Koa, ignores reusePort (oven-sh/bun#43690). " +
      `Use Bun.serve, Hono or Elysia; or listen on the unix socket of ${variableName(prefix, 'socketDir')} alone, behind the gateway; ` +
      `or set ${variableName(prefix, 'workers')}=0`,
  )

/** Whether other sockets may listen on the port of this one. Without a known C library it is assumed. */
export function isShared(file: number): boolean {
  const getsockopt = libc()?.getsockopt
  if (!getsockopt) return true
  const value = new Int32Array(1)
  const length = Int32Array.of(value.byteLength)
  return getsockopt(file, SOL_SOCKET, SO_REUSEPORT, ptr(value), ptr(length)) !== 0 || value[0] === 1
}
