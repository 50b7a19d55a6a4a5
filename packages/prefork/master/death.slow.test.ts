/** Workers that are killed again and again: the others serve on, and each comes back. */
import { expect, test } from 'bun:test'
import { randomFrom } from '@bun-monitoring/metrics/testing'
import { sumOf, Toys } from '../testdata/toys.ts'
import { Load, partOf } from '../testing_load.ts'

const SEED = Number(Bun.env.DEATH_SEED ?? Date.now() % 100_000)
const SECONDS = Number(Bun.env.DEATH_SECONDS ?? 20)
const KILL_EVERY_MS = 500
const KILLS = (SECONDS * 1000) / KILL_EVERY_MS
/** Each kill may take that long beside its interval, since the machine may be busy with other things. */
const BACK_AT_LAST_MS = 20_000
const TIMEOUT_MS = 15 * SECONDS * 1000
/** After so many kills a cluster without a master is started, for comparison. */
const COMPARE_AFTER_KILLS = 4

/** How long the same app takes to start now, by itself in one process. */
async function bareStartMs(): Promise<number> {
  const startedMs = performance.now()
  await using bare = new Toys({ TOYS_WORKERS: '0' })
  await bare.ready()
  return performance.now() - startedMs
}

test(
  `a worker killed every ${KILL_EVERY_MS} ms under load: no GET fails, no counter falls, each comes back (seed ${SEED})`,
  async () => {
    await using cluster = new Toys({ TOYS_WORKERS: '4' })
    const { admin } = await cluster.ready()
    const port = await cluster.port()
    await using load = new Load(
      { hostname: '127.0.0.1', port },
      { connections: 16, repeatGets: true, pauseMs: 2 },
    )
    const random = randomFrom(SEED)
    let counted = 0
    const [backMs, bareMs]: [number[], number[]] = [[], []]
    for (let kill = 0; kill < KILLS; kill++) {
      const startedMs = performance.now()
      const alive = (await cluster.stats()).workers.filter(({ pid }) => pid !== 0)
      const victim = alive[Math.floor(random() * alive.length)]!
      process.kill(victim.pid, 'SIGKILL')
      await cluster.until(
        `worker ${victim.id} to come back`,
        ({ workers }) =>
          workers.some(({ id, pid, accepting }) => id === victim.id && pid !== victim.pid && accepting === 1),
        BACK_AT_LAST_MS,
      )
      backMs.push(performance.now() - startedMs)
      const now = await cluster.counted()
      expect(now).toBeGreaterThanOrEqual(counted)
      counted = now
      expect((await fetch(`${admin}/readyz`)).status).toBe(200)
      if (kill % COMPARE_AFTER_KILLS === 0) bareMs.push(await bareStartMs())
      await Bun.sleep(Math.max(0, KILL_EVERY_MS - (performance.now() - startedMs)))
    }
    await load.stop()
    expect(load.failures).toEqual([])
    expect(load.repeated).toBeGreaterThan(0)

    // The master notices a death at once, so that a worker is back after little more than the start of its app.
    expect(partOf(backMs)).toBeLessThan(100 + 3 * partOf(bareMs))

    // Each response is counted, or was abandoned by a worker that died between sending and counting it.
    const page = await cluster.page()
    const abandoned = sumOf(page, 'http_server_abandoned_requests_total')
    const total = sumOf(page, 'http_server_request_duration_seconds_count')
    expect(total + abandoned).toBeGreaterThanOrEqual(load.answered)
    expect(total).toBeLessThanOrEqual(load.answered + load.repeated)
    const stats = await cluster.stats()
    expect(stats.workers.reduce((sum, { exits }) => sum + (exits.signal ?? 0), 0)).toBe(KILLS)
    console.log(
      `${KILLS} kills, ${load.answered} answers, ${load.repeated} repeated, ${abandoned} abandoned, back in ${Math.round(partOf(backMs))} ms, the slowest in ${Math.round(partOf(backMs, 1))} ms, the app by itself starts in ${Math.round(partOf(bareMs))} ms`,
    )
  },
  TIMEOUT_MS,
)
