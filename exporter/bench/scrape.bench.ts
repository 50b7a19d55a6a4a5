/**
 * Measures CPU (user and system) and memory of an exporter process for a scrape. In the same rounds, another process runs
 * `JSON.parse` on the bytes of the large document, for comparison.
 *
 *   bun exporter/bench/scrape.bench.ts
 */
import { readFileSync } from 'node:fs'
import { readProcess } from '@bun-monitoring/prefork/procfs'
import { TestProcess } from '@bun-monitoring/prefork/testing'

const ROUNDS = 7
const SCRAPES_EACH = 10
const SMALL_SCRAPES_EACH = 1000

const here = import.meta.dir
await using stats = new TestProcess([`${here}/stats_server.ts`])
const { url, bytes } = (await stats.line('ready')) as unknown as { url: string; bytes: number }
const large = `--stats.uri=${url}/large`
const small = ['gateway', 'dogs', 'cats'].map((name) => `--stats.uri=${url}/small/${name}`)

await using parser = new TestProcess([`${here}/json_parse_server.ts`, `${url}/large`])
await using plain = startExporter(large)
await using drop = startExporter('--metrics.namespace=uwsgi', large)
await using cores = startExporter('--metrics.namespace=uwsgi', '--collect.cores', large)
await using three = startExporter(...small)

const subjects = [
  { name: 'JSON.parse of the same bytes', process: parser, times: SCRAPES_EACH },
  { name: 'prefork namespace', process: plain, times: SCRAPES_EACH },
  { name: 'uwsgi namespace', process: drop, times: SCRAPES_EACH },
  { name: 'uwsgi namespace, --collect.cores', process: cores, times: SCRAPES_EACH },
  { name: 'three small targets', process: three, times: SMALL_SCRAPES_EACH },
]
const cpuMs = new Map(subjects.map(({ name }) => [name, [] as number[]]))
const peakMiB = new Map<string, number>()
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, process, times } of subjects) {
    const page = `${(await process.ready()).url}/metrics`
    const before = cpuMsOf(process.pid)
    for (let i = 0; i < times; i++) await (await fetch(page)).bytes()
    cpuMs.get(name)!.push((cpuMsOf(process.pid) - before) / times)
    // The peak of a new process.
    if (!peakMiB.has(name)) peakMiB.set(name, peakMiBOf(process.pid))
  }
}

const base = cpuMs.get(subjects[0]!.name)!
console.log(`document of ${(bytes / 1e6).toFixed(1)} MB; ${ROUNDS} rounds; median of CPU ms per scrape`)
console.table(
  subjects.map(({ name, times }) => ({
    scrape: name,
    'CPU ms': Number(median(cpuMs.get(name)!).toFixed(2)),
    'JSON.parse = 1': times === SCRAPES_EACH ? Number(ratio(cpuMs.get(name)!).toFixed(2)) : '',
    'first ms': Number(cpuMs.get(name)![0]!.toFixed(2)),
    [`peak MiB after ${SCRAPES_EACH}`]: Math.round(peakMiB.get(name)!),
  })),
)

function startExporter(...flags: string[]): TestProcess {
  return new TestProcess([
    `${here}/../index.ts`,
    '--web.listen-address=127.0.0.1:0',
    '--log.level=error',
    // Only scrapes are measured, not the readings for the live page.
    '--history=0',
    ...flags,
  ])
}

function cpuMsOf(pid: number): number {
  return readProcess(pid)!.cpuUs / 1000
}

function peakMiBOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

function ratio(values: readonly number[]): number {
  return median(values.map((value, round) => value / base[round]!))
}
