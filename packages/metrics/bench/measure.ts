/** What the benchmarks share: CPU clocks, medians, and rounds in which all subjects take turns. */
import { readFileSync } from 'node:fs'

/** USER_HZ: the unit of /proc/<pid>/stat times on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100

/** CPU time that this process has used, all threads, in microseconds. */
export function ownCpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** CPU time, user and system, that another process has used, in microseconds: fields 14 and 15 of its stat (proc(5)). */
export function cpuUsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND
}

/** CPU time of one call, in microseconds. */
export async function cpuUsOfCall(act: () => unknown): Promise<number> {
  const before = ownCpuUs()
  await act()
  return ownCpuUs() - before
}

/** Measures each subject once a round, beginning with another one each time, so that drift of the machine hits all. */
export async function takeTurns<Subject>(
  subjects: readonly Subject[],
  rounds: number,
  measure: (subject: Subject) => number | Promise<number>,
  results = new Map<Subject, number[]>(subjects.map((subject) => [subject, []])),
): Promise<Map<Subject, number[]>> {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[(round + i) % subjects.length]!
      results.get(subject)!.push(await measure(subject))
    }
  }
  return results
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Where the middle half of the values lies. */
export const spread = (values: readonly number[], digits = 1): string =>
  `${quantile(values, 0.25).toFixed(digits)} to ${quantile(values, 0.75).toFixed(digits)}`

/** Round by round how much of the second there is for one of the first, and the median of that. */
export const ratio = (values: readonly number[], base: readonly number[]): number =>
  median(values.map((value, round) => value / base[round]!))

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits))

const quantile = (values: readonly number[], rank: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * rank)]!

/**
 * Asks with wrk over keep-alive connections for some seconds.
 * @param script says in Lua what is asked; without it GET.
 * @returns how many requests were answered.
 */
export async function load(
  url: string,
  connections: number,
  seconds: number,
  script?: string,
): Promise<number> {
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, ...(script === undefined ? [] : ['-s', script])]
  const wrk = Bun.spawn(['wrk', ...flags, url], { stdout: 'pipe' })
  const report = await new Response(wrk.stdout).text()
  const requests = Number(/(\d+) requests in/.exec(report)?.[1])
  if (!(requests > 0) || report.includes('Non-2xx')) throw new Error(`the load failed:\n${report}`)
  return requests
}
