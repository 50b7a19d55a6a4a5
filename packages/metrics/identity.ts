/** Which process is which: a pid comes again, a pid with its start time does not. */
import { existsSync, readFileSync } from 'node:fs'

/**
 * Clock ticks since boot, field 22 of /proc/<pid>/stat (proc(5)); 0 where there is no /proc, undefined where no such
 * process lives.
 */
export function startTimeOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie writes nothing any more.
    return fields[0] === 'Z' ? undefined : Number(fields[19])
  } catch {
    return existsSync('/proc') ? undefined : 0
  }
}

/** Pid and start time in one word, which can change hands at once. */
export const identityOf = (pid: number, startTime = startTimeOf(pid) ?? 0): bigint =>
  (BigInt.asIntN(32, BigInt(startTime)) << 32n) | BigInt(pid)

/** @returns the pid of that process, or undefined where it does not live any more, or cannot be known from another. */
export function livingPid(identity: bigint): number | undefined {
  const pid = Number(BigInt.asUintN(32, identity))
  const startTime = startTimeOf(pid)
  return startTime !== undefined && startTime > 0 && identityOf(pid, startTime) === identity ? pid : undefined
}
