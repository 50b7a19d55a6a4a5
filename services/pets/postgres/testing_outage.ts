/** For tests: runs a service under load while its PostgreSQL is stopped, and records what the clients see. */
import { SQL } from 'bun'
import { dogs, postgresDatabase } from '../testing.ts'
import type { TestServer } from './testing_server.ts'

const CLIENTS = 8

export interface Outage {
  acknowledged: string[]
  /** Acknowledged, but not in the table at the end. */
  lost: string[]
  /** Responses other than 200, 201 and 503 with `Retry-After`. */
  wrong: string[]
  unavailable: number
  /** The longest time that a client waited for a response. */
  slowestMs: number
  /** Time from the server's start to the last 503. */
  recoveredMs: number
  /** See {@link withinMs}. */
  withinMs: number
  /** Process ids of the workers before and after. */
  pids: [number[], number[]]
}

/** Stops the server for `ms`, as `pg_ctl` does, while clients write and read. */
export async function outage(server: TestServer, signal: 'INT' | 'QUIT', ms: number): Promise<Outage> {
  await using database = await postgresDatabase(Promise.resolve(server))
  await using service = dogs(database.env)
  const { url, admin } = await service.ready()
  const pidsOf = async () =>
    ((await (await fetch(`${admin}/stats`)).json()) as { workers: { pid: number }[] }).workers.map(
      ({ pid }) => pid,
    )
  const before = await pidsOf()

  const acknowledged: string[] = []
  const wrong: string[] = []
  const load = { isOver: false }
  let [unavailable, slowestMs, lastRefusedMs] = [0, 0, 0]
  const ask = async (path: string, init: RequestInit = {}): Promise<number> => {
    const startedMs = performance.now()
    const response = await fetch(`${url}${path}`, init)
    const body = await response.text()
    const nowMs = performance.now()
    slowestMs = Math.max(slowestMs, nowMs - startedMs)
    if (response.status === 503 && response.headers.get('retry-after') === '1') {
      unavailable++
      lastRefusedMs = nowMs
      // Clients wait for less than Retry-After says, to find the moment of recovery.
      await Bun.sleep(5)
    } else if (response.status > 201) wrong.push(`${response.status} ${body}`)
    return response.status
  }
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = 0; !load.isOver; i++) {
      const name = `${client}.${i}`
      const body = JSON.stringify({ name, breed: 'Pug' })
      if ((await ask('/dogs/', { method: 'POST', body })) === 201) acknowledged.push(name)
      await ask('/dogs/?limit=10')
    }
  })
  const until = async (count: number): Promise<void> => {
    while (acknowledged.length < count) await Bun.sleep(5)
  }

  await until(100)
  await server.stop(signal)
  await Bun.sleep(ms)
  await server.start()
  const backMs = performance.now()
  await until(acknowledged.length + 100)
  const limitMs = await withinMs(server)
  load.isOver = true
  await Promise.all(clients)
  const rows = await database.query<{ name: string }>('SELECT name FROM dogs')
  const stored = new Set(rows.map(({ name }) => name))
  return {
    acknowledged,
    lost: acknowledged.filter((name) => !stored.has(name)),
    wrong,
    unavailable,
    slowestMs,
    recoveredMs: lastRefusedMs - backMs,
    withinMs: limitMs,
    pids: [before, await pidsOf()],
  }
}

/** How long a service may take that tries again every quarter of a second: longer where a plain client needs long to connect now. */
export async function withinMs(server: TestServer): Promise<number> {
  let slowestMs = 0
  for (let i = 0; i < 5; i++) {
    const startedMs = performance.now()
    await using sql = new SQL(server.url('postgres'), { max: 1 })
    await sql`SELECT 1`
    slowestMs = Math.max(slowestMs, performance.now() - startedMs)
  }
  return 1500 + 10 * slowestMs
}
