/** A client that follows the list by `after` sees every acknowledged row, on both databases, while others write. */
import { describe, expect, test } from 'bun:test'
import { dogs, post, postgresDatabase, testDatabases } from '../testing.ts'
import { isPostgresExpected } from './testing_server.ts'

const SLOW_MS = 120_000
const WRITERS = 16

describe.each(testDatabases)('on %s', (_, create) => {
  test(
    'no acknowledged row is missed, and none comes twice',
    async () => {
      await using database = await create()
      await using service = dogs({ DOGS_WORKERS: '2', ...database.env })
      const { url } = await service.ready()
      const acknowledged: number[] = []
      const load = { isOver: false }
      const writers = Array.from({ length: WRITERS }, async (_, writer) => {
        for (let i = 0; !load.isOver; i++) {
          const response = await post(url, `${writer}.${i}`)
          if (response.status !== 201) throw new Error(await response.text())
          const { id } = (await response.json()) as { id: number }
          acknowledged.push(id)
          // Gaps, so that a missing id is no sign of a row in progress.
          if (i % 5 === 0) await fetch(`${url}/dogs/${id}/`, { method: 'DELETE' })
        }
      })
      const followed: number[] = []
      const follow = async () => {
        const response = await fetch(`${url}/dogs/?limit=100&after=${followed.at(-1) ?? 0}`)
        expect(response.status).toBe(200)
        const rows = (await response.json()) as { id: number }[]
        followed.push(...rows.map(({ id }) => id))
        return rows.length
      }
      const endMs = performance.now() + 3000
      while (performance.now() < endMs) await follow()
      load.isOver = true
      await Promise.all(writers)
      while ((await follow()) > 0);
      const left = new Set(
        (await database.query<{ id: unknown }>('SELECT id FROM dogs')).map(({ id }) => Number(id)),
      )
      const seen = new Set(followed)
      expect(acknowledged.length).toBeGreaterThan(100)
      expect(acknowledged.filter((id) => left.has(id) && !seen.has(id))).toEqual([])
      expect(seen.size).toBe(followed.length)
    },
    SLOW_MS,
  )
})

describe.skipIf(!isPostgresExpected)('on PostgreSQL', () => {
  test(
    'a list waits for an insert in progress with a smaller id, and for no other',
    async () => {
      await using database = await postgresDatabase()
      // Statements that wait may wait for as long as this test.
      await using service = dogs({
        DOGS_WORKERS: '0',
        DOGS_DATABASE_STATEMENT_TIMEOUT_MS: String(SLOW_MS),
        ...database.env,
      })
      const { url } = await service.ready()
      /** Resolves when so many statements wait for a lock. */
      const waitForLocks = async (count: number) => {
        const waiting = `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
        while ((await database.query(waiting)).length !== count) await Bun.sleep(5)
      }
      expect((await post(url, 'first')).status).toBe(201)
      // An insert of the service that waits for its commit: a lock on the table makes it wait with its id taken.
      await database.query('CREATE TABLE gate (id int)')
      await database.query(`CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.name = 'slow' THEN LOCK TABLE gate; END IF; RETURN NEW; END $$`)
      await database.query(
        'CREATE TRIGGER gate BEFORE INSERT ON dogs FOR EACH ROW EXECUTE FUNCTION wait_at_gate()',
      )
      let slow: Promise<Response> | undefined
      const names = async () => {
        const response = await fetch(`${url}/dogs/`)
        if (response.status !== 200) return response.status
        return ((await response.json()) as { name: string }[]).map(({ name }) => name)
      }
      await database.during('LOCK TABLE gate', async () => {
        slow = post(url, 'slow')
        await waitForLocks(1)
        // Without a row after it, nothing is missed.
        expect(await names()).toEqual(['first'])
        expect((await post(url, 'fast')).status).toBe(201)
        const list = names()
        await waitForLocks(2)
        expect(Bun.peek.status(list)).toBe('pending')
        const cancelled = await database.query(
          `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO "dogs"%' AND state = 'active'`,
        )
        expect(cancelled).toEqual([{ pg_cancel_backend: true }])
        expect((await slow).status).toBe(503)
        expect(await list).toEqual(['first', 'fast'])
      })
      expect(await names()).toEqual(['first', 'fast'])
    },
    SLOW_MS,
  )
})
