/** Workers under load: one is killed, one hangs, and all are reloaded; the metrics show each event. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatsDocument } from '@bun-monitoring/prefork/stats'
import { TestProcess } from '@bun-monitoring/prefork/testing'

const ASK_AGAIN_AFTER_MS = 20
/** A reload takes the boots and drains of all workers; a busy machine may be slow. */
const WITHIN_MS = 60_000

test('killed, hung and reloading workers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-workers-'))
  const start = (name: string, harakiriMs: number) =>
    new TestProcess(
      [`${import.meta.dir}/../services/${name}/index.ts`],
      Object.fromEntries(
        Object.entries({
          PORT: '0',
          ADMIN_PORT: '0',
          WORKERS: '2',
          LAME_DUCK_MS: '100',
          HARAKIRI_MS: String(harakiriMs),
          DATABASE_PATH: join(folder, `${name}.sqlite`),
        }).map(([key, value]) => [`${name.toUpperCase()}_${key}`, value]),
      ),
    )
  try {
    await using dogs = start('dogs', 6000)
    // None of its workers hangs, but a busy machine may not give a worker the processor for seconds.
    await using cats = start('cats', 600_000)
    const clusters = await Promise.all([dogs.ready(), cats.ready()])
    const [atDogs, atCats] = clusters
    await using exporter = new TestProcess([
      `${import.meta.dir}/index.ts`,
      '--web.listen-address=127.0.0.1:0',
      ...clusters.map(({ admin }) => `--stats.uri=${admin}/stats`),
    ])
    const { url } = await exporter.ready()

    let requestsOfCats = 0
    let app = 'dogs'
    /** The sum of the app's samples with these labels. Every page is also checked for conditions that always hold. */
    const sample = async (name: string, ...labels: string[]) => {
      const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
      const sumOf = (of: string, metric: string, parts: readonly string[] = []) =>
        lines
          .filter(
            (line) => line.startsWith(`${metric}{app="${of}"`) && parts.every((part) => line.includes(part)),
          )
          .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
      expect(lines.filter((line) => /^exporter_target_up\{.*\} 1$/.test(line))).toHaveLength(2)
      const requests = sumOf('cats', 'prefork_worker_requests_total')
      expect(requests).toBeGreaterThanOrEqual(requestsOfCats)
      requestsOfCats = requests
      return sumOf(app, name, labels)
    }
    const until = async (expected: number, name: string, ...labels: string[]) => {
      const deadline = AbortSignal.timeout(WITHIN_MS)
      for (let sum = NaN; sum !== expected; sum = await sample(name, ...labels)) {
        if (deadline.aborted) {
          const log = JSON.stringify((app === 'dogs' ? dogs : cats).lines('').slice(-12))
          throw new Error(`${name} ${labels.join()} is ${sum}, not ${expected}; ${app} logs ${log}`)
        }
        await Bun.sleep(ASK_AGAIN_AFTER_MS)
      }
    }
    const pidOf = async (slot: number) => {
      const { workers } = (await (await fetch(`${atDogs.admin}/stats`)).json()) as StatsDocument
      return workers[slot - 1]!.pid
    }
    let completed = 0
    const loading = new AbortController()
    const load = Promise.all(
      [`${atDogs.url}/dogs/`, `${atCats.url}/cats/`].map(async (target) => {
        while (!loading.signal.aborted) {
          const response = await fetch(target).catch(() => undefined)
          await response?.text()
          if (target.startsWith(atCats.url)) completed++
        }
      }),
    )

    await until(2, 'prefork_workers')
    process.kill(await pidOf(1), 'SIGKILL')
    await until(1, 'prefork_worker_exits_total', 'worker="1"', 'reason="signal"')
    await until(1, 'prefork_worker_respawns_total', 'worker="1"')
    expect(await sample('prefork_worker_respawns_total', 'worker="2"')).toBe(0)

    process.kill(await pidOf(2), 'SIGSTOP')
    await until(1, 'prefork_workers', 'state="hung"')
    expect(await sample('prefork_worker_heartbeat_age_seconds', 'worker="2"')).toBeGreaterThan(1.5)
    await until(1, 'prefork_worker_exits_total', 'worker="2"', 'reason="harakiri"')
    await until(0, 'prefork_workers', 'state="hung"')

    app = 'cats'
    cats.signal('SIGHUP')
    await until(1, 'prefork_reloads_total', 'result="success"')
    await until(2, 'prefork_worker_exits_total', 'reason="reload"')
    expect(await sample('prefork_reloads_total', 'result="failure"')).toBe(0)
    expect(await sample('prefork_last_reload_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 60)
    loading.abort()
    await load
    expect(completed).toBeGreaterThan(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 180_000)
