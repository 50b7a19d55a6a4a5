/**
 * Memory of the idle stack: the sum of the proportional set sizes (PSS: a shared page counts in equal parts for the processes
 * that share it) of gateway, dogs and cats, each with a master and two workers, and the exporter.
 * Goal: under 250 MiB. Run: `bun packages/prefork/bench/idle_memory.bench.ts` (needs Linux).
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childrenOf } from '../shared/procfs.ts'
import { TestProcess } from '../testing.ts'

const ROOT = join(import.meta.dir, '../../..')
const KIB_PER_MIB = 1024

const folder = mkdtempSync(join(tmpdir(), 'idle-'))
const cluster = (name: string, path: string, env: Record<string, string> = {}) => {
  const prefix = name.toUpperCase()
  return new TestProcess([join(ROOT, path, 'index.ts')], {
    NODE_ENV: 'production',
    [`${prefix}_PORT`]: '0',
    [`${prefix}_ADMIN_PORT`]: '0',
    [`${prefix}_WORKERS`]: '2',
    ...env,
  })
}
const dogs = cluster('dogs', 'services/dogs', { DOGS_DATABASE_PATH: join(folder, 'dogs.sqlite') })
const cats = cluster('cats', 'services/cats', { CATS_DATABASE_PATH: join(folder, 'cats.sqlite') })
const gateway = cluster('gateway', 'gateway', {
  DOGS_URL: (await dogs.ready()).url,
  CATS_URL: (await cats.ready()).url,
})
const targets = [dogs, cats, gateway].map(async (each) => `--stats.uri=${(await each.ready()).admin}/stats`)
const exporter = new TestProcess([
  join(ROOT, 'exporter/index.ts'),
  '--web.listen-address=127.0.0.1:0',
  ...(await Promise.all(targets)),
])

const processes = { gateway, dogs, cats, exporter }
for (const each of Object.values(processes)) await each.ready()
for (const name of ['dogs', 'cats']) {
  // One request through each path, so that lazily loaded code is counted.
  await fetch(`${(await gateway.ready()).url}/${name}/`)
}
const rows = Object.entries(processes).map(([name, { pid }]) => {
  const all = [pid, ...childrenOf(pid)].map(pssKib)
  return { name, processes: all.length, 'PSS MiB': mib(sum(all)), each: all.map(mib).join(' + ') }
})
console.table(rows)
const total = sum(Object.values(processes).flatMap(({ pid }) => [pid, ...childrenOf(pid)].map(pssKib)))
console.log(`The idle stack takes ${mib(total)} MiB.`)
for (const each of Object.values(processes)) {
  each.signal('SIGINT')
  await each.exit()
}
rmSync(folder, { recursive: true })

function mib(kib: number): number {
  return Math.round(kib / KIB_PER_MIB)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function pssKib(pid: number): number {
  return Number(/^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1])
}
