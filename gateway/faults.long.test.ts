/**
 * Faults that clients do not notice: workers of a real service die, hang and come back under load, and a gateway in front
 * of their sockets answers every idempotent request. Of the others only those are lost that a killed worker held.
 */
import { describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { readConnections } from '@bun-monitoring/prefork/procfs'
import { Load } from '@bun-monitoring/prefork/testing_load'
import { eventually, Stack } from './testdata/stack.ts'

const KILLS = 10
const KILL_EVERY_MS = 500
const RESPONSES = 300
const CONNECTIONS = 32
const CLIENTS = 8
/** Longer than all deadlines inside, which name what they waited for. */
const TEST_MS = 300_000

const gets = ({ target }: Stack) => new Load(target, { connections: CONNECTIONS, path: '/dogs/' })

/** Ends the load. Every request got the empty list as its response. */
async function expectAllAnswered(load: Load): Promise<void> {
  await load.stop()
  expect(load.failures).toEqual([])
  expect([...load.bodies.keys()]).toEqual(['[]'])
}

describe('of the workers of a service', () => {
  test(
    `one after the other is killed, every ${KILL_EVERY_MS} ms: no GET fails`,
    async () => {
      await using stack = await Stack.start()
      await using load = gets(stack)
      for (let kill = 0; kill < KILLS; kill++) {
        const next = Bun.sleep(KILL_EVERY_MS)
        await load.more(1)
        const pids = await stack.workersOf(stack.service())
        stack.kill(pids[kill % pids.length]!)
        await next
      }
      await load.more(RESPONSES)
      await expectAllAnswered(load)
    },
    TEST_MS,
  )

  test(
    'all are killed at once: GETs wait for the next',
    async () => {
      await using stack = await Stack.start()
      await using load = gets(stack)
      await load.more(RESPONSES)
      for (const pid of await stack.workersOf(stack.service())) stack.kill(pid)
      await load.more(RESPONSES)
      await expectAllAnswered(load)
    },
    TEST_MS,
  )

  test(
    'one hangs: the others take its requests as soon as it fails its checks, and it comes back',
    async () => {
      await using stack = await Stack.start()
      await using load = gets(stack)
      await load.more(RESPONSES)
      const [pid] = await stack.workersOf(stack.service())
      process.kill(pid!, 'SIGSTOP')
      await eventually('it is ejected', async () => (await stack.ejected()) > 0)
      // It is still stopped: its requests got their responses from another worker.
      await expectAllAnswered(load)
      process.kill(pid!, 'SIGCONT')
      await eventually('it takes part again', async () => (await stack.ejected()) === 0)
      await using after = gets(stack)
      await after.more(RESPONSES)
      await expectAllAnswered(after)
    },
    TEST_MS,
  )
})

test(
  'a service that restarts, with its master, costs GETs nothing but time',
  async () => {
    await using stack = await Stack.start()
    await using load = gets(stack)
    await load.more(RESPONSES)
    await stack.service()[Symbol.asyncDispose]()
    await stack.startService('dogs')
    await load.more(RESPONSES)
    await expectAllAnswered(load)
  },
  TEST_MS,
)

test(
  'a POST is never sent twice: a killed worker costs those it held, and each row was requested once',
  async () => {
    await using stack = await Stack.start()
    let asked = 0
    const promised = new Set<number>()
    /** Start and response of each failed request. */
    const failed: { fromMs: number; toMs: number; said: string }[] = []
    /** From each signal to the end of the worker. */
    const deaths: { fromMs: number; toMs: number }[] = []
    const over = new AbortController()
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      while (!over.signal.aborted) {
        const fromMs = performance.now()
        const body = JSON.stringify({ name: `dog ${client}.${asked++}`, breed: 'Pug' })
        const response = await fetch(`${stack.url}/dogs/`, { method: 'POST', body })
        const text = await response.text()
        if (response.status === 201) promised.add((JSON.parse(text) as Row).id)
        else failed.push({ fromMs, toMs: performance.now(), said: text })
      }
    })
    for (let kill = 1; kill <= KILLS; kill++) {
      await eventually('they are stored', () => promised.size >= kill * 50)
      const [pid] = await stack.workersOf(stack.service())
      const fromMs = performance.now()
      stack.kill(pid!)
      await eventually('it is gone', () => !existsSync(`/proc/${pid}`))
      deaths.push({ fromMs, toMs: performance.now() })
    }
    await eventually('they are stored again', () => promised.size >= (KILLS + 1) * 50)
    over.abort()
    await Promise.all(clients)

    const rows = await allRows(stack.url)
    console.log(`${asked} asked, ${promised.size} promised, ${rows.length} stored, ${failed.length} failed`)
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
    const ids = new Set(rows.map(({ id }) => id))
    expect([...promised].filter((id) => !ids.has(id))).toEqual([])
    expect(rows.length).toBeLessThanOrEqual(promised.size + failed.length)
    // Each was in a worker when it was killed. On a busy machine the database may also stay locked too long.
    const lost = failed.filter(({ said }) => said === GONE)
    expect(failed.filter(({ said }) => said !== GONE && !said.includes(BUSY))).toEqual([])
    const isOfDeath = ({ fromMs, toMs }: (typeof failed)[number]) =>
      deaths.some((death) => fromMs <= death.toMs && death.fromMs <= toMs)
    expect(lost.filter((each) => !isOfDeath(each))).toEqual([])
  },
  TEST_MS,
)

test(
  'a killed worker of the gateway costs the requests of its own connections, and the port stays open',
  async () => {
    await using stack = await Stack.start()
    await using load = gets(stack)
    await load.more(RESPONSES)
    const [pid, other] = await stack.workersOf(stack.gateway)
    process.kill(pid!, 'SIGSTOP')
    const held = readConnections(new Set([stack.target.port]), undefined, pid).size
    stack.kill(pid!)
    await eventually('it is gone', () => !existsSync(`/proc/${pid}`))
    const fresh = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => fetch(`${stack.url}/dogs/`, { keepalive: false })),
    )
    expect(fresh.map(({ status }) => status)).toEqual(fresh.map(() => 200))
    expect(await stack.workersOf(stack.gateway)).toContain(other!)
    await load.more(RESPONSES)
    await load.stop()
    expect(held).toBeLessThan(CONNECTIONS)
    expect(load.failures.length).toBeLessThanOrEqual(held)
  },
  TEST_MS,
)

const GONE =
  '{"type":"about:blank","title":"Bad Gateway","status":502,"detail":"dogs closed the connection before it answered"}'
const BUSY = '"detail":"The database is busy'

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
