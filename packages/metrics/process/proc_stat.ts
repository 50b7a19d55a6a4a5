/**
 * Reads /proc/<pid>/stat, see proc(5). This is the one reader of that file: identity.ts takes the start time from it, prefork
 * memory and CPU time, and the benchmarks CPU time. Where there is no /proc there are no numbers, never made-up ones.
 */
import { readFileSync } from 'node:fs'

/** USER_HZ: the unit of times in /proc/<pid>/stat on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

export interface ProcStat {
  /** One letter: `R` runs, `S` sleeps, `T` is stopped, `Z` is a zombie. */
  state: string
  /** Clock ticks since boot at which the process started. */
  startTicks: number
  /** CPU time of all threads. */
  userUs: number
  systemUs: number
  /** User and system. */
  cpuUs: number
  vszBytes: number
  rssBytes: number
}

/** @returns undefined when there is no such process, or no /proc. */
export function readProcStat(pid: number): ProcStat | undefined {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** Fields are counted after the command's name, because the name may contain spaces and brackets. */
export function parseProcStat(text: string): ProcStat {
  const [state = '', ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const numbers = rest.map(Number)
  // proc(5) counts from 1 and the state is field 3, hence field n is numbers[n - 4].
  const field = (n: number): number => numbers[n - 4]!
  const [userUs, systemUs] = [microseconds(field(14)), microseconds(field(15))]
  return {
    state,
    startTicks: field(22),
    userUs,
    systemUs,
    cpuUs: userUs + systemUs,
    vszBytes: field(23),
    rssBytes: field(24) * PAGE_BYTES,
  }
}

const microseconds = (ticks: number): number => (ticks * 1_000_000) / TICKS_PER_SECOND
