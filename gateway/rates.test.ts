/** A rate limit of a gateway with four workers lets through what one would, while workers are killed and reloaded. */
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import type { StatsDocument } from '@bun-monitoring/prefork/stats'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { temporaryFolder } from './testing.ts'

const REQUESTS = 600
const CLIENTS = 16

test('limits are exact across workers, and no worker that goes resets them', async () => {
  using folder = temporaryFolder()
  await using dogs = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('ok') })
  const config = `${folder.path}/gateway.toml`
  await Bun.write(
    config,
    `[log]\naccess = "off"
     [[upstream]]\nname = "dogs"\ntargets = ["http://127.0.0.1:${dogs.port}"]
     [[route]]\nid = "dogs"\npath = "/dogs"\nupstream = "dogs"\nrate = { requests = ${REQUESTS}, per = "1h" }`,
  )
  await using gateway = new TestProcess([`${import.meta.dir}/index.ts`], {
    GATEWAY_PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    GATEWAY_WORKERS: '4',
    GATEWAY_LAME_DUCK_MS: '200',
    GATEWAY_CONFIG: config,
  })
  const { url, admin } = await gateway.ready()
  const counts = new Map<number, number>()
  let asked = 0
  /** Sends requests until so many were sent, each on its own connection: the kernel spreads them over the workers. */
  const ask = async (total: number) => {
    while (asked < total) {
      asked++
      const status = await fetch(`${url}/dogs/`, { headers: { Connection: 'close' } }).then(
        ({ status: each }) => each,
        () => 0,
      )
      counts.set(status, (counts.get(status) ?? 0) + 1)
    }
  }
  const askTogether = (total: number) => Promise.all(Array.from({ length: CLIENTS }, () => ask(total)))
  const startedMs = performance.now()
  await askTogether(REQUESTS / 2)
  const { workers } = (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
  process.kill(workers[0]!.pid, 'SIGKILL')
  await askTogether(REQUESTS)
  gateway.signal('SIGHUP')
  await Promise.all([gateway.line('reloaded'), askTogether(2 * REQUESTS)])
  const seconds = (performance.now() - startedMs) / 1000
  const ideal = REQUESTS * (1 + seconds / 3600)
  console.log(`${counts.get(200)} of ${ideal.toFixed(0)}, by status: ${JSON.stringify([...counts])}`)
  // A request of a killed worker is counted by the limit, but gets no response.
  expect(counts.get(200)).toBeWithin(REQUESTS - (counts.get(0) ?? 0), ideal * 1.01)
  expect(counts.get(429)).toBeGreaterThan(0)
}, 120_000)

test.each<[string, NodeJS.Signals, string]>([
  ['stops', 'SIGTERM', '2'],
  ['stops, in one process', 'SIGTERM', '0'],
  ['loses its master', 'SIGKILL', '2'],
])(
  'the table of a gateway that %s is removed',
  async (_, signal, workers) => {
    using folder = temporaryFolder()
    const config = `${folder.path}/gateway.toml`
    await Bun.write(
      config,
      '[[route]]\nid = "a"\npath = "/"\nrespond = { body = "a" }\nrate = { requests = 1, per = "1m" }',
    )
    await using gateway = new TestProcess([`${import.meta.dir}/index.ts`], {
      GATEWAY_PORT: '0',
      GATEWAY_ADMIN_PORT: '0',
      GATEWAY_WORKERS: workers,
      GATEWAY_LAME_DUCK_MS: '0',
      GATEWAY_CONFIG: config,
    })
    await gateway.ready()
    const tables = () =>
      readdirSync('/dev/shm').filter(
        (name) => name.startsWith('bun-gateway-') && name.endsWith(`-${gateway.pid}`),
      )
    expect(tables()).toHaveLength(1)
    gateway.signal(signal)
    await gateway.exit()
    while (tables().length > 0) await Bun.sleep(5)
  },
  60_000,
)
