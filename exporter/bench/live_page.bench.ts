/**
 * Measures CPU (user and system) of an exporter process for the live page: readings of three targets with metrics, with one
 * viewer and without. The step is shortened, so that a run has many of them.
 *
 *   bun exporter/bench/live_page.bench.ts
 */
import { readProcess } from '@bun-monitoring/prefork/procfs'
import { TestProcess } from '@bun-monitoring/prefork/testing'

const STEP_MS = 100
const DEFAULT_STEP_MS = 5000
const STEPS = 150
const TARGETS = 3

const here = import.meta.dir
const servers = Array.from({ length: TARGETS }, () => new TestProcess([`${here}/stats_server.ts`]))
const urls = await Promise.all(servers.map(async (server) => (await server.ready()).url))
await using exporter = new TestProcess([
  `${here}/../index.ts`,
  '--web.listen-address=127.0.0.1:0',
  '--log.level=error',
  `--history.step=${STEP_MS}ms`,
  ...urls.map((url) => `--stats.uri=${url}/stats`),
])
const { url } = await exporter.ready()

async function cpuMsPerStep(isViewed: boolean): Promise<number> {
  const cpuMs = () => readProcess(exporter.pid)!.cpuUs / 1000
  let after = 0
  const before = cpuMs()
  for (let step = 0; step < STEPS; step++) {
    if (isViewed) {
      const document = (await (await fetch(`${url}/live.json?after=${after}`)).json()) as {
        curves: { times: number[] }
      }
      after = document.curves.times.at(-1) ?? after
    }
    await Bun.sleep(STEP_MS)
  }
  return (cpuMs() - before) / STEPS
}

await cpuMsPerStep(true)
console.table(
  await Array.fromAsync([false, true], async (isViewed) => {
    const cpuMs = await cpuMsPerStep(isViewed)
    return {
      viewers: Number(isViewed),
      'CPU ms per step': Number(cpuMs.toFixed(2)),
      '% of a core at the default step': Number(((cpuMs / DEFAULT_STEP_MS) * 100).toFixed(3)),
    }
  }),
)
for (const server of servers) await server[Symbol.asyncDispose]()
