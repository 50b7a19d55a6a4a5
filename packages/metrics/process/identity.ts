/** Tells processes apart: the kernel gives a pid to another process later, a pid with its start time never. */
import { existsSync } from 'node:fs'
import { readProcStat } from './proc_stat.ts'

/** @returns clock ticks since boot; 0 where there is no /proc; undefined when no such process lives. */
export function startTimeOf(pid: number): number | undefined {
  const stat = readProcStat(pid)
  if (stat === undefined) return existsSync('/proc') ? undefined : 0
  // A zombie has ended: it writes nothing any more.
  return stat.state === 'Z' ? undefined : stat.startTicks
}

/** Pid and start time in one word, so that both change in one atomic store. */
export const identityOf = (pid: number, startTime = startTimeOf(pid) ?? 0): bigint =>
  (BigInt.asIntN(32, BigInt(startTime)) << 32n) | BigInt(pid)

/** @returns the pid of that process; undefined when it has ended, or when another process may have its pid. */
export function livingPid(identity: bigint): number | undefined {
  const pid = Number(BigInt.asUintN(32, identity))
  const startTime = startTimeOf(pid)
  return startTime !== undefined && startTime > 0 && identityOf(pid, startTime) === identity ? pid : undefined
}
