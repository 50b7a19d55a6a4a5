/** Workers of the command `prefork` that are killed again and again, with an app of plain Bun and one of Hono. */
import { afterAll, expect, test } from 'bun:test'
import { randomFrom } from '@bun-monitoring/metrics/testing'
import { Apps } from './testdata/apps.ts'
import { sumOf } from './testdata/toys.ts'
import { Load } from './testing_load.ts'

const SEED = Number(Bun.env.DEATH_SEED ?? Date.now() % 100_000)
const SECONDS = Number(Bun.env.DEATH_SECONDS ?? 20)
const KILL_EVERY_MS = 500

const apps = new Apps()
afterAll(() => apps.remove())

test.each(['plain.ts', 'hono.ts'])(
  `%s with 2 workers: a worker killed every ${KILL_EVERY_MS} ms for ${SECONDS} s: no GET fails twice, and the counts agree (seed ${SEED})`,
  async (file) => {
    await apps.write(file, 'toy')
    await using command = apps.start(file, '--workers=2')
    const random = randomFrom(SEED)
    await using load = new Load(await command.target(), { connections: 8, repeatGets: true, pauseMs: 2 })
    const endMs = performance.now() + SECONDS * 1000
    while (performance.now() < endMs) {
      const nextMs = performance.now() + KILL_EVERY_MS
      const { workers } = await command.stats()
      const victim = workers[Math.floor(random() * workers.length)]!
      process.kill(victim.pid, 'SIGKILL')
      await command.until((stats) =>
        stats.workers.every(({ pid, accepting }) => pid !== victim.pid && accepting === 1),
      )
      await Bun.sleep(Math.max(0, nextMs - performance.now()))
    }
    await load.stop()
    expect(load.failures).toEqual([])
    const page = await (await command.admin('/metrics')).text()
    const total = sumOf(page, 'http_server_request_duration_seconds_count')
    const abandoned = sumOf(page, 'http_server_abandoned_requests_total')
    expect(total + abandoned).toBeGreaterThanOrEqual(load.answered)
    expect(total).toBeLessThanOrEqual(load.answered + load.repeated)
  },
  SECONDS * 1000 + 60_000,
)
