/**
 * The cost of workers, and how the kernel spreads connections over them: CPU time per request (user + system, of the master
 * and all workers) of a small measured app with two workers against the same app alone in one process (goal: at most
 * 1.03), and against two of those on one port, which have no master; then the share of each worker at several numbers
 * of connections.
 * Run: `bun packages/prefork/bench/workers.bench.ts` (needs wrk and Linux).
 */
import { join } from 'node:path'
import { load, median, ratio, rounded, spread, takeTurns } from '@bun-monitoring/metrics/bench'
import { childrenOf, readProcess } from '../shared/procfs.ts'
import type { StatsDocument } from '../admin/stats_document.ts'
import { TestProcess } from '../testing.ts'

const ROUNDS = Number(Bun.env.BENCH_ROUNDS ?? 16)
const SECONDS = 2
const CONNECTIONS = 64
const SPREAD_OVER = [1, 8, 64, 160]

const start = (...args: string[]) => new TestProcess([join(import.meta.dir, 'app_server.ts'), ...args])
const first = start('alone')
const second = start('alone', new URL((await first.ready()).url).port)
const SUBJECTS = {
  'alone in one process': [start('alone')],
  'two processes on one port, no master': [first, second],
  'a master and one worker': [start('cluster', '1')],
  'a master and two workers': [start('cluster', '2')],
}
type Subject = keyof typeof SUBJECTS
const subjects = Object.keys(SUBJECTS) as Subject[]

const speeds = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]))
async function costOf(subject: Subject): Promise<number> {
  const servers = SUBJECTS[subject]
  for (const server of servers) await server.ready()
  const { url } = await servers[0]!.ready()
  const cpuUs = () => servers.reduce((sum, { pid }) => sum + cpuUsOfFamily(pid), 0)
  const before = cpuUs()
  const requests = await load(url, CONNECTIONS, SECONDS)
  speeds.get(subject)!.push(requests / SECONDS)
  return (cpuUs() - before) / requests
}

for (const subject of subjects) await costOf(subject)
for (const each of speeds.values()) each.length = 0
const costs = await takeTurns(subjects, ROUNDS, costOf)
const alone = costs.get('alone in one process')!
console.table(
  subjects.map((subject) => ({
    app: subject,
    'requests/s (median)': Math.round(median(speeds.get(subject)!)),
    'CPU us/request (median)': rounded(median(costs.get(subject)!)),
    'middle half': spread(costs.get(subject)!, 2),
    'times alone': rounded(ratio(costs.get(subject)!, alone), 3),
  })),
)

const [cluster] = SUBJECTS['a master and two workers'] as [TestProcess]
const rows = []
for (const connections of SPREAD_OVER) {
  const { url, admin } = await cluster.ready()
  const before = await requestsByWorker(admin)
  await load(url, connections, 1)
  const counts = (await requestsByWorker(admin)).map((requests, i) => requests - before[i]!)
  const total = counts.reduce((sum, count) => sum + count, 0)
  rows.push({
    connections,
    'requests/s': total,
    'share of each worker': counts.map((count) => `${Math.round((100 * count) / total)} %`).join(', '),
  })
}
console.table(rows)
for (const server of Object.values(SUBJECTS).flat()) await server[Symbol.asyncDispose]()

async function requestsByWorker(admin: string): Promise<number[]> {
  const { workers } = (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
  return workers.map(({ requests }) => requests)
}

/** The CPU time of a process and its children. */
function cpuUsOfFamily(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + (readProcess(each)?.cpuUs ?? 0), 0)
}
