/** Workers that block, leak or end by themselves: the other workers serve on. Those that are killed are in death.slow.test.ts. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { sumOf, Toys } from '../testdata/toys.ts'
import { Load, partOf } from '../testing_load.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(30_000)

test('a worker in an endless loop is killed after the harakiri time, the log names the route, the others serve on', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOYS_HARAKIRI_MS: '3000' })
  const { url, admin } = await cluster.ready()
  // The machine may be busy: an admin server without workers shows how long a response takes now.
  await using idle = new Toys({ TOYS_WORKERS: '0' })
  const reference = (await idle.ready()).admin
  const blocked = fetch(`${url}/block`).then(
    () => 'answered',
    () => 'cut off',
  )
  await cluster.line('asked /block')
  const hung = await cluster.until('a worker to hang', ({ workers }) =>
    workers.some(({ state }) => state === 'hung'),
  )
  const { id, oldest_request_us, heartbeat_age_us } = hung.workers.find(({ state }) => state === 'hung')!
  expect(oldest_request_us).toBeGreaterThan(1_500_000)
  expect(heartbeat_age_us).toBeGreaterThan(1_500_000)
  await using _ = new Load(
    { hostname: '127.0.0.1', port: await cluster.port() },
    { connections: 8, repeatGets: true },
  )
  const ask = async (url: string, timesMs: number[]) => {
    const startedMs = performance.now()
    expect((await fetch(url)).status).toBeLessThan(600)
    timesMs.push(performance.now() - startedMs)
  }
  const [timesMs, idleMs]: [number[], number[]] = [[], []]
  while (cluster.lines('harakiri').length === 0) {
    for (const path of ['/metrics', '/stats', '/healthz', '/readyz']) {
      await ask(admin + path, timesMs)
      await ask(reference + path, idleMs)
    }
  }
  // The slowest one of each depends on what else the machine does at that moment.
  for (const part of [0.5, 0.9]) expect(partOf(timesMs, part)).toBeLessThan(10 + 3 * partOf(idleMs, part))

  expect(await blocked).toBe('cut off')
  const said = (await cluster.line('harakiri')) as unknown as {
    msg: string
    worker: number
    latest: { route: string; ageMs: number }
  }
  expect(said.msg).toContain('/block')
  expect(said.worker).toBe(id)
  expect(said.latest.route).toBe('/block')
  expect(said.latest.ageMs).toBeGreaterThan(2500)
  await cluster.until('the worker to come back', ({ workers }) =>
    workers.every(({ accepting }) => accepting === 1),
  )
  expect(await cluster.worker(id)).toMatchObject({ harakiri_count: 1, exits: { harakiri: 1 } })
  expect(sumOf(await cluster.page(), 'http_server_abandoned_requests_total')).toBeGreaterThanOrEqual(1)
})

test('a worker that is stopped (SIGSTOP) hangs, is killed and replaced', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOYS_HARAKIRI_MS: '2500' })
  await cluster.ready()
  const victim = await cluster.worker(1)
  process.kill(victim.pid, 'SIGSTOP')
  await cluster.until('it to hang', ({ workers }) => workers[0]!.state === 'hung')
  await cluster.line('harakiri: worker 1')
  await cluster.until(
    'it to come back',
    ({ workers }) => workers[0]!.pid !== victim.pid && workers[0]!.accepting === 1,
  )
})

test('a worker that leaks memory is replaced, and no request fails', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOYS_RELOAD_ON_RSS_BYTES: String(256 * 1024 * 1024) })
  const port = await cluster.port()
  await using load = new Load({ hostname: '127.0.0.1', port }, { connections: 2, path: '/leak' })
  await cluster.until('a worker to be recycled', ({ workers }) => workers.some(({ exits }) => exits.rss))
  await load.stop()
  expect(load.failures).toEqual([])
})

test('workers are replaced after so many requests, one at a time, and no request fails', async () => {
  await using cluster = new Toys({
    TOYS_WORKERS: '2',
    TOYS_MAX_REQUESTS: '2000',
    TOYS_MAX_REQUESTS_DELTA: '500',
  })
  const port = await cluster.port()
  await using load = new Load({ hostname: '127.0.0.1', port }, { connections: 8, methods: ['GET', 'POST'] })
  await cluster.until('both to be recycled', ({ workers }) =>
    workers.every(({ exits }) => exits.max_requests),
  )
  await load.stop()
  expect(load.failures).toEqual([])
  expect(await cluster.counted()).toBe(load.answered)
})

test('workers are replaced when they are old', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_MAX_LIFETIME_MS: '500' })
  await cluster.ready()
  await cluster.until('its end', ({ workers }) => (workers[0]!.exits.max_lifetime ?? 0) > 0)
})

test('a worker that exits at boot stops the cluster, in seconds and with its exit code', async () => {
  await using cluster = new Toys({ TOY_BOOT: 'exit' })
  expect(await cluster.exit()).toBe(3)
  await cluster.line('worker 1 ended with exit code 7 before it was ready')
})

test('a worker that takes too long to boot ends the start, with the setting to change', async () => {
  await using cluster = new Toys({ TOY_BOOT_MS: '60000', TOYS_BOOT_TIMEOUT_MS: '300' })
  expect(await cluster.exit()).toBe(3)
  const { msg } = await cluster.line('worker 1 was not ready within 300 ms: ')
  expect(msg).toContain('TOYS_BOOT_TIMEOUT_MS')
  expect(cluster.lines('worker 1 was killed')).toEqual([])
  expect(cluster.lines('worker 1 was not ready').at(-1)).toMatchObject({ level: 'fatal' })
})

test('migrations do not count for the time to boot', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOY_MIGRATION: 'slow', TOYS_BOOT_TIMEOUT_MS: '400' })
  await cluster.line('migrating')
  await cluster.ready()
})

test('workers that end a second after boot are replaced again and again, and counted', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOY_BOOT: 'crash later' })
  const { admin } = await cluster.ready()
  await cluster.until('three deaths', ({ workers }) => (workers[0]!.exits.crash ?? 0) >= 3)
  await cluster.until('no worker to be ready', ({ workers }) => workers[0]!.accepting === 0)
  await cluster.line('worker 1 ended with exit code 9')
  expect((await fetch(`${admin}/healthz`)).status).toBe(200)
})

test('a cluster whose workers are all dead is not ready, and says how many are missing', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2' })
  const { admin } = await cluster.ready()
  // A stopped worker stays; a killed one would be replaced before the request below.
  for (const { pid } of (await cluster.stats()).workers) process.kill(pid, 'SIGSTOP')
  await cluster.until('both to hang', ({ workers }) => workers.every(({ state }) => state === 'hung'))
  const response = await fetch(`${admin}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ detail: '0 of 2 workers are ready, 1 are needed' })
})

test('a worker that gets SIGTERM from outside drains, and is replaced', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2' })
  const port = await cluster.port()
  const victim = await cluster.worker(2)
  await using load = new Load({ hostname: '127.0.0.1', port }, { connections: 8, methods: ['GET', 'POST'] })
  await load.more(100)
  process.kill(victim.pid, 'SIGTERM')
  await cluster.until(
    'its end',
    ({ workers }) => workers[1]!.exits.signal === 1 && workers[1]!.accepting === 1,
  )
  await load.stop()
  expect(load.failures).toEqual([])
})
