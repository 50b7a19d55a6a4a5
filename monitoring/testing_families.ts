/**
 * Reads the metric families from the pages of running processes: their HELP and TYPE lines, and the labels of their series.
 * The processes are started here, on free ports, and brought to publish each family: by a request that fails and a reload.
 * The families of PostgreSQL come from the package that declares them, since a service needs a database server for them.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from '@bun-monitoring/metrics'
import { PoolMetrics, PostgresMetrics } from '@bun-monitoring/metrics/postgres'
import { TestProcess } from '@bun-monitoring/prefork/testing'

export type Published = { name: string; type: string; labels: string[]; help: string }

const ROOT = join(import.meta.dir, '..')
const ASK_AGAIN_AFTER_MS = 50

/** Families of all processes, in the order of their pages. The caller bounds the time. */
export async function publishedFamilies(): Promise<Published[]> {
  const pages = [...(await pagesOfProcesses()), await pageOfPostgres()]
  return merge(pages.flatMap(familiesOf))
}

async function pagesOfProcesses(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'families-'))
  await using processes = new AsyncDisposableStack()
  processes.defer(() => rmSync(folder, { recursive: true }))
  const start = async (entry: string, env: Record<string, string>, flags: string[] = []) => {
    const process = processes.use(new TestProcess([join(ROOT, entry), ...flags], env))
    return { process, ...(await process.ready()) }
  }
  const dogs = await start('services/dogs/index.ts', {
    DOGS_PORT: '0',
    DOGS_ADMIN_PORT: '0',
    DOGS_WORKERS: '1',
    DOGS_DATABASE_PATH: join(folder, 'dogs.sqlite'),
    DOGS_FAULT_FAIL_PERCENT: '100',
  })
  const gateway = await start('gateway/index.ts', {
    GATEWAY_PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    GATEWAY_WORKERS: '1',
    DOGS_URL: dogs.url,
    CATS_URL: dogs.url,
  })
  const exporter = await start('exporter/index.ts', {}, [
    '--web.listen-address=127.0.0.1:0',
    `--stats.uri=${dogs.admin}/stats`,
  ])
  await textOf(`${gateway.url}/dogs/`)
  dogs.process.signal('SIGHUP')
  const hasReloaded = async () => (await textOf(`${exporter.url}/metrics`)).includes('prefork_last_reload_')
  while (!(await hasReloaded())) await Bun.sleep(ASK_AGAIN_AFTER_MS)
  return await Promise.all([gateway.admin, dogs.admin, exporter.url].map((url) => textOf(`${url}/metrics`)))
}

async function pageOfPostgres(): Promise<string> {
  const registry = new Registry()
  const fails = () => Promise.reject(Object.assign(new Error('refused'), { code: '53300' }))
  const ask = new PostgresMetrics(registry).prepare('SELECT 1 FROM dogs', fails)
  await ask().catch(() => {})
  new PoolMetrics(registry)
  return registry.metrics()
}

const textOf = async (url: string) => (await fetch(url)).text()

/** @param page in text format 0.0.4 */
function familiesOf(page: string): Published[] {
  return page
    .split('# HELP ')
    .slice(1)
    .map((block) => {
      const [head, typeLine, ...series] = block.split('\n')
      const [name, help] = split(head!)
      const labels = series.flatMap((line) => [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label!))
      const type = typeLine!.slice(`# TYPE ${name} `.length)
      return { name, type, labels: labels.filter((label) => label !== 'le'), help }
    })
}

/** Families that several processes publish become one, with the labels of all. */
function merge(found: readonly Published[]): Published[] {
  const byName = new Map<string, Published>()
  for (const { name, type, labels, help } of found) {
    const known = byName.get(name) ?? { name, type, labels: [], help }
    byName.set(name, { ...known, labels: [...new Set([...known.labels, ...labels])] })
  }
  return [...byName.values()]
}

function split(head: string): [name: string, help: string] {
  const space = head.indexOf(' ')
  return [head.slice(0, space), head.slice(space + 1)]
}
