/** The messages between master and workers over Bun's IPC channel, and the variable that makes a process a worker. */
import type { Address } from './app.ts'

/** From a worker to its master. */
export type WorkerMessage =
  /** The migrations are done. */
  | { type: 'prepared' }
  | { type: 'ready' }
  /** The worker cannot boot. Its exit code says which kind of failure it is, the message explains it to the operator. */
  | { type: 'failed'; message: string }
  /** The worker was told to end by a signal that the master did not send. */
  | { type: 'draining' }

/**
 * From the master to a worker. A second one tells a worker that was ended by a signal that its successor serves (`isReplaced`),
 * or ends the wait for silent connections.
 */
export interface DrainMessage {
  type: 'drain'
  /** How long to go on accepting while every response says `Connection: close`. */
  lameDuckMs: number
  /** Whether another worker takes over. If so, connections that had no response since the drain began are waited for. */
  isReplaced: boolean
}

/** A worker's place in its cluster. */
export interface Role {
  slot: number
  /** The region of the segment that this worker writes. */
  region: number
  /** Path of the segment. */
  segment: string
  addresses: Address[]
  /** Whether this worker runs the migrations, for all workers. */
  prepare: boolean
}

const VARIABLE = 'PREFORK_ROLE'

export const roleVariable = (role: Role): Record<string, string> => ({ [VARIABLE]: JSON.stringify(role) })

/**
 * @returns the role of this process, or undefined if it is not a worker. The variable is removed from the environment, so
 * that the worker's own children are not taken for workers.
 */
export function takeRole(env: Record<string, string | undefined>): Role | undefined {
  const text = env[VARIABLE]
  if (text === undefined) return undefined
  delete env[VARIABLE]
  return JSON.parse(text) as Role
}
