/** Another process holds the write lock of the SQLite file: writes wait or get 503, and reads do not notice. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { dogs, post, temporaryDatabase } from '../testing.ts'

const SLOW_MS = 120_000
const WRITES = 30

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!

/** Requests the list until the signal, and returns the times in milliseconds. */
async function timesOfReads(url: string, isOver: () => boolean): Promise<number[]> {
  const times: number[] = []
  while (!isOver()) {
    const startedMs = performance.now()
    const response = await fetch(`${url}/dogs/`)
    expect(response.status).toBe(200)
    await response.body?.cancel()
    times.push(performance.now() - startedMs)
  }
  return times
}

test(
  'for seconds: writes get 503 with Retry-After, reads stay fast, and one line says so',
  async () => {
    await using database = temporaryDatabase()
    await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
    const { url, admin } = await service.ready()
    // A service without a lock shows how long a response takes now.
    await using otherDatabase = temporaryDatabase()
    await using idle = dogs({ DOGS_WORKERS: '0', ...otherDatabase.env })
    const { url: idleUrl } = await idle.ready()
    expect((await post(url, 'before')).status).toBe(201)

    using other = new Database(database.path)
    other.run('BEGIN IMMEDIATE')
    const load = { isOver: false }
    const reads = Promise.all([url, idleUrl].map((each) => timesOfReads(each, () => load.isOver)))
    const waits: number[] = []
    const timed = async (response: Promise<Response>) => {
      const startedMs = performance.now()
      await response
      waits.push(performance.now() - startedMs)
      return response
    }
    const writes: Promise<Response>[] = []
    for (let i = 0; i < WRITES; i++) {
      writes.push(timed(post(url, `refused ${i}`)))
      await Bun.sleep(50)
    }
    const responses = await Promise.all(writes)
    load.isOver = true
    // They wait for a second, in case that the lock is released, and not one after the other.
    expect(Math.min(...waits)).toBeGreaterThan(900)
    expect(percentile(waits, 0.5)).toBeLessThan((WRITES * 1000) / 3)
    const [locked, usual] = (await reads) as [number[], number[]]
    // A read that waited for the lock would take hundreds of milliseconds; beside the writes it gets less of a busy processor.
    for (const share of [0.5, 0.9])
      expect(percentile(locked, share)).toBeLessThan(5 + 8 * percentile(usual, share))
    for (const response of responses) {
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('1')
      expect((await response.json()).detail).toBe('The database is busy: nothing was changed, try again')
    }
    other.run('COMMIT')
    expect((await post(url, 'after')).status).toBe(201)
    expect(await database.query('SELECT name FROM dogs')).toEqual([{ name: 'before' }, { name: 'after' }])
    await service.line('the lock of the SQLite file is released')
    expect(service.lines('another process holds the lock')).toHaveLength(1)
    expect(await (await fetch(`${admin}/metrics`)).text()).toContain(
      `db_client_operation_errors_total{db_system_name="sqlite",db_operation_name="INSERT",db_collection_name="dogs",error_type="SQLITE_BUSY"} ${WRITES}`,
    )
  },
  SLOW_MS,
)

test(
  'for a moment: writes wait for it and are stored in their order, and the log is silent',
  async () => {
    await using database = temporaryDatabase()
    await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
    const { url } = await service.ready()
    await post(url, 'first')
    using other = new Database(database.path)
    other.run('BEGIN IMMEDIATE')
    const responses: Promise<Response>[] = []
    for (let i = 0; i < 5; i++) {
      responses.push(post(url, `waiting ${i}`))
      await Bun.sleep(20)
    }
    other.run('COMMIT')
    for (const response of responses) expect((await response).status).toBe(201)
    const names = (await database.query<{ name: string }>('SELECT name FROM dogs ORDER BY id')).map(
      ({ name }) => name,
    )
    expect(names).toEqual(['first', 'waiting 0', 'waiting 1', 'waiting 2', 'waiting 3', 'waiting 4'])
    expect(service.lines('another process holds the lock')).toEqual([])
  },
  SLOW_MS,
)

test(
  'many processes that write at the same time all get their turn',
  async () => {
    await using database = temporaryDatabase()
    const services = [1, 2, 3].map(() => dogs({ DOGS_WORKERS: '0', ...database.env }))
    try {
      const urls = await Promise.all(services.map(async (service) => (await service.ready()).url))
      const statuses = await Promise.all(
        urls.flatMap((url) =>
          Array.from({ length: 8 }, async (_, client) => {
            const seen: number[] = []
            for (let i = 0; i < 25; i++) seen.push((await post(url, `${client}.${i}`)).status)
            return seen
          }),
        ),
      )
      expect(new Set(statuses.flat())).toEqual(new Set([201]))
      expect(await database.query('SELECT count(*) AS rows FROM dogs')).toEqual([{ rows: 600 }])
    } finally {
      await Promise.all(services.map((service) => service[Symbol.asyncDispose]()))
    }
  },
  SLOW_MS,
)
