/** What master and workers say to each other over Bun's IPC channel, and how a worker learns that it is one. */
import type { Address } from './worker.ts'

/** From a worker. */
export type WorkerMessage =
  /** What comes before serving is done. */
  | { type: 'prepared' }
  | { type: 'ready' }
  /** It cannot boot: its exit code tells which kind of failure it is, this tells a human. */
  | { type: 'failed'; message: string }
  /** Somebody else told it to end. */
  | { type: 'draining' }

/** From the master. A second one changes what the first said. */
export interface DrainMessage {
  type: 'drain'
  /** How long to go on accepting, while every answer says `Connection: close`. */
  lameDuckMs: number
  /** Another worker takes over: wait also for connections that were not told yet. */
  isReplaced: boolean
}

/** A worker's place in its family. */
export interface Role {
  slot: number
  region: number
  /** Path of the segment. */
  segment: string
  addresses: Address[]
  /** Whether it does what comes before serving, for all. */
  prepare: boolean
}

const VARIABLE = 'PREFORK_ROLE'

export const roleVariable = (role: Role): Record<string, string> => ({ [VARIABLE]: JSON.stringify(role) })

/** Of this process, if it is a worker. Takes it out of the environment: its own children are no workers. */
export function takeRole(env: Record<string, string | undefined>): Role | undefined {
  const text = env[VARIABLE]
  if (text === undefined) return undefined
  delete env[VARIABLE]
  return JSON.parse(text) as Role
}
