/** For the benchmarks of all packages: CPU meters, medians, a load generator, and rounds in which subjects take turns. */
import { readProcStat } from '../process/proc_stat.ts'

/** CPU time that this process has used, all threads, in microseconds. */
export function ownCpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** CPU time that another process has used, user and system, in microseconds. @throws when there is no such process. */
export function cpuUsOf(pid: number): number {
  const stat = readProcStat(pid)
  if (!stat) throw new Error(`process ${pid} has ended`)
  return stat.cpuUs
}

/** CPU time of one call, in microseconds. */
export async function cpuUsOfCall(act: () => unknown): Promise<number> {
  const before = ownCpuUs()
  await act()
  return ownCpuUs() - before
}

/** Measures each subject once a round, each round beginning with another one, so that drift of the machine affects all alike. */
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

/** The bounds of the middle half of the values. */
export const spread = (values: readonly number[], digits = 1): string =>
  `${quantile(values, 0.25).toFixed(digits)} to ${quantile(values, 0.75).toFixed(digits)}`

/** The median over the rounds of value / base. */
export const ratio = (values: readonly number[], base: readonly number[]): number =>
  median(values.map((value, round) => value / base[round]!))

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits))

const quantile = (values: readonly number[], rank: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * rank)]!

/**
 * Sends requests with wrk over keep-alive connections for some seconds.
 * @param script a Lua file that makes the requests (default: GET of the URL)
 * @returns the number of responses
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
