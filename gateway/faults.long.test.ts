/**
 * What nobody notices: workers of a real service die, hang and are reloaded under load, and a gateway in front of their
 * sockets answers every request that may be sent twice. What is lost of the others is what a killed worker held.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { StatsDocument } from '@bun-monitoring/prefork/stats'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { Load } from '@bun-monitoring/prefork/testing_load'
import { temporaryFolder } from './testing.ts'

const KILLS = 6
const KILL_EVERY_ANSWERS = 300
const CONNECTIONS = 32
const CLIENTS = 8
/** Long, for machines that are busy with other things. */
const TEST_MS = 60_000
/** Of the service, and of the gateway. */
const WORKERS = 2

let folder: ReturnType<typeof temporaryFolder>
let service: TestProcess
let gateway: TestProcess
let target: { hostname: string; port: number }

const startService = () =>
  new TestProcess([join(import.meta.dir, '../services/pets/testdata/dogs.ts')], {
    DOGS_PORT: '0',
    DOGS_ADMIN_PORT: '0',
    DOGS_LAME_DUCK_MS: '1200',
    DOGS_DATABASE_PATH: join(folder.path, 'dogs.sqlite'),
    DOGS_SOCKET_DIR: folder.path,
  })

beforeAll(async () => {
  folder = temporaryFolder()
  service = startService()
  await service.ready()
  gateway = new TestProcess([`${import.meta.dir}/index.ts`], {
    GATEWAY_PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    DOGS_URL: `unix:${folder.path}/dogs.*.sock`,
  })
  const { url } = await gateway.ready()
  target = { hostname: '127.0.0.1', port: Number(new URL(url).port) }
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await service[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const killed = new Set<number>()

/** The workers that serve, by pid, as soon as all do: none of them is one that was killed. */
async function workersOf(family: TestProcess): Promise<number[]> {
  const { admin } = await family.ready()
  for (;;) {
    const { workers } = (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
    const pids = workers
      .filter(({ state, pid }) => (state === 'ready' || state === 'busy') && !killed.has(pid))
      .map(({ pid }) => pid)
    if (pids.length >= WORKERS) return pids
    await Bun.sleep(5)
  }
}

function kill9(pid: number): void {
  killed.add(pid)
  process.kill(pid, 'SIGKILL')
}

const gets = () => new Load(target, { connections: CONNECTIONS, path: '/dogs/' })

describe('of the workers of a service', () => {
  test(
    'one after the other is killed: no GET fails',
    async () => {
      await using load = gets()
      for (let kill = 0; kill < KILLS; kill++) {
        await load.more(KILL_EVERY_ANSWERS)
        const pids = await workersOf(service)
        kill9(pids[kill % pids.length]!)
      }
      await load.more(KILL_EVERY_ANSWERS)
      await load.stop()
      expect(load.failures).toEqual([])
      expect([...load.bodies.keys()]).toEqual(['[]'])
    },
    TEST_MS,
  )

  test(
    'all are killed at once: GETs wait for the next',
    async () => {
      await using load = gets()
      await load.more(KILL_EVERY_ANSWERS)
      for (const pid of await workersOf(service)) kill9(pid)
      await load.more(KILL_EVERY_ANSWERS)
      await load.stop()
      expect(load.failures).toEqual([])
      expect([...load.bodies.keys()]).toEqual(['[]'])
    },
    TEST_MS,
  )

  test(
    'one hangs: others answer, and what it holds is answered when it goes on',
    async () => {
      await using load = gets()
      await load.more(KILL_EVERY_ANSWERS)
      const [pid] = await workersOf(service)
      process.kill(pid!, 'SIGSTOP')
      const { admin } = await gateway.ready()
      const ejected = async () => {
        const { dogs } = (await (await fetch(`${admin}/upstreams`)).json()) as Record<
          string,
          { targets: { ejected: number } }
        >
        return dogs!.targets.ejected
      }
      while ((await ejected()) === 0) await Bun.sleep(10)
      // What is not held is answered at once.
      const { url } = await gateway.ready()
      for (let i = 0; i < 20; i++)
        expect((await fetch(`${url}/dogs/`, { keepalive: false })).status).toBe(200)
      process.kill(pid!, 'SIGCONT')
      while ((await ejected()) > 0) await Bun.sleep(10)
      await load.more(KILL_EVERY_ANSWERS)
      await load.stop()
      expect(load.failures).toEqual([])
      expect([...load.bodies.keys()]).toEqual(['[]'])
    },
    TEST_MS,
  )

  test(
    'all are replaced by a reload, under requests of all methods: none fails',
    async () => {
      const all = {
        connections: CONNECTIONS,
        methods: ['GET', 'POST', 'PUT', 'DELETE'] as const,
        path: '/dogs/0/',
      }
      await using load = new Load(target, all)
      const before = service.lines('worker').filter(({ reason }) => reason === 'reload').length
      service.signal('SIGHUP')
      const replaced = () =>
        service.lines('worker').filter(({ reason }) => reason === 'reload').length - before
      while (replaced() < 2) await load.more(50)
      await load.stop()
      expect(load.failures).toEqual([])
    },
    TEST_MS,
  )
})

test(
  'a service that is started anew, with its master, costs GETs nothing but time',
  async () => {
    await using load = gets()
    await load.more(KILL_EVERY_ANSWERS)
    await service[Symbol.asyncDispose]()
    service = startService()
    await service.ready()
    await load.more(KILL_EVERY_ANSWERS)
    await load.stop()
    expect(load.failures).toEqual([])
    expect([...load.bodies.keys()]).toEqual(['[]'])
  },
  TEST_MS,
)

test(
  'a POST is never sent twice: a killed worker costs those it held, and no row is there that nobody asked for',
  async () => {
    const { url } = await gateway.ready()
    let asked = 0
    let failed = 0
    const promised = new Set<number>()
    const over = new AbortController()
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      while (!over.signal.aborted) {
        const name = `dog ${client}.${asked++}`
        const answer = await fetch(`${url}/dogs/`, {
          method: 'POST',
          body: JSON.stringify({ name, breed: 'Pug' }),
        })
        const { id } = (await answer.json()) as { id?: number }
        if (answer.status === 201) promised.add(id!)
        else expect(answer.status).toBe(502)
        if (answer.status !== 201) failed++
      }
    })
    for (let kill = 1; kill <= KILLS; kill++) {
      while (promised.size < kill * 50) await Bun.sleep(5)
      kill9((await workersOf(service))[0]!)
    }
    while (promised.size < (KILLS + 1) * 50) await Bun.sleep(5)
    over.abort()
    await Promise.all(clients)
    const rows = await allRows(url)
    console.log(`${asked} asked, ${promised.size} promised, ${rows.length} stored, ${failed} failed`)
    expect(failed).toBeLessThanOrEqual(KILLS * CLIENTS)
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
    const ids = new Set(rows.map(({ id }) => id))
    expect([...promised].filter((id) => !ids.has(id))).toEqual([])
    expect(rows.length).toBeLessThanOrEqual(promised.size + failed)
  },
  TEST_MS,
)

test(
  'a worker of the gateway that is killed costs what its own connections had under way, and the port stays open',
  async () => {
    await using load = gets()
    await load.more(KILL_EVERY_ANSWERS)
    const [pid] = await workersOf(gateway)
    kill9(pid!)
    await load.more(KILL_EVERY_ANSWERS)
    await load.stop()
    expect(load.failures.length).toBeLessThan(CONNECTIONS)
    expect([...load.bodies.values()].reduce((sum, count) => sum + count, 0)).toBe(load.answered)
  },
  TEST_MS,
)

interface Row {
  id: number
  name: string
}

async function allRows(url: string): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const page = (await (
      await fetch(`${url}/dogs/?limit=1000&after=${rows.at(-1)?.id ?? 0}`)
    ).json()) as Row[]
    if (page.length === 0) return rows
    rows.push(...page)
  }
}
