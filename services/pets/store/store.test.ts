/** The contract of both stores: clients get the same bytes from either. */
import { afterAll, describe, expect, test } from 'bun:test'
import { createLogger } from '@bun-monitoring/prefork'
import { serviceConfig } from '../config.ts'
import { databaseOf } from '../database.ts'
import { openPets, postgresDatabase, testDatabases, testKind } from '../testing.ts'
import { etagOf } from '../http/representation.ts'
import type { ListQuery } from './store.ts'
import { isPostgresExpected } from '../postgres/testing_server.ts'

const all = (limit: number): ListQuery => ({ limit, after: 0, filter: {} })

/** For tests that start a server. */
const SLOW_MS = 120_000

/** Characters that JSON escapes, and others that serializers often get wrong; no NUL. */
const HARD_TEXTS = [
  Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1)).join(''),
  '"quoted" \\ and /slashed/ <script> & \u007f \u0080 \u2028 \u2029 \ufeff \ufffd \uffff',
  '🐕‍🦺 ß Straße Ω e\u0301 日本 \u{10ffff}',
  "'; DROP TABLE dogs; -- $1 ? :name",
  'null',
]

describe.each(testDatabases)('on %s', async (_, create) => {
  const { store, database, ask, send, [Symbol.asyncDispose]: close } = await openPets(await create())
  afterAll(close)
  const list = async (known = '') => store.list(all(100), known)
  const insert = (name: string) => `INSERT INTO dogs (name, breed) VALUES ('${name}', 'Pug')`
  const names = async (known?: string) =>
    (JSON.parse((await list(known))!.json) as { name: string }[]).map(({ name }) => name)

  test('a list is read again only after a write, by this or another connection', async () => {
    const { version } = (await list())!
    expect(await list(version)).toBeUndefined()
    await store.insert({ name: 'own', breed: 'Pug', likes_to_bark: false, is_test: false })
    expect(await names(version)).toEqual(['own'])
    const later = (await list())!.version
    await database.query(insert('by another'))
    expect(await names(later)).toEqual(['own', 'by another'])
    const last = (await list())!.version
    expect(await list(last)).toBeUndefined()
  })

  test('a list that was read between a write and its commit is read again after the commit', async () => {
    let version = ''
    await database.during(insert('late'), async () => {
      version = (await list())!.version
      expect(await names()).not.toContain('late')
    })
    expect(await names(version)).toContain('late')
  })

  test('a page ends with the id after which the next one begins, the last page with none', async () => {
    await store.insert({ name: 'one more', breed: 'Pug', likes_to_bark: false, is_test: false })
    const pets = JSON.parse((await store.list(all(1000), ''))!.json) as { id: number }[]
    expect((await store.list(all(2), ''))!.next).toBe(pets[1]!.id)
    expect((await store.list(all(pets.length), ''))!.next).toBeUndefined()
    expect(await store.list({ ...all(10), after: pets.at(-1)!.id }, '')).toMatchObject({
      json: '[]',
      next: undefined,
    })
  })

  test('a list consists of the bytes of its objects, for any characters', async () => {
    await database.query('DELETE FROM dogs')
    const each: string[] = []
    for (const name of HARD_TEXTS) {
      const response = await send('POST', '/dogs/', {
        name,
        breed: name,
        likes_to_bark: each.length % 2 === 0,
      })
      const body = await response.text()
      const { id } = JSON.parse(body) as { id: number }
      expect(body).toBe(
        JSON.stringify({ id, name, breed: name, likes_to_bark: each.length % 2 === 0, is_test: false }),
      )
      expect(await (await ask(`/dogs/${id}/`)).text()).toBe(body)
      each.push(body)
    }
    const response = await ask('/dogs/')
    const text = await response.text()
    expect(text).toBe(`[${each.join(',')}]`)
    expect(response.headers.get('etag')).toBe(etagOf(text))
  })

  test('an id is a number up to 2^53 - 1, in lists, objects and paths', async () => {
    await database.query(
      `INSERT INTO dogs (id, name, breed) VALUES (${Number.MAX_SAFE_INTEGER}, 'last', 'Pug')`,
    )
    const one = await (await ask(`/dogs/${Number.MAX_SAFE_INTEGER}/`)).text()
    expect(one).toStartWith('{"id":9007199254740991,"name":"last"')
    expect(await (await ask(`/dogs/?after=${Number.MAX_SAFE_INTEGER - 1}`)).text()).toBe(`[${one}]`)
    expect((await ask('/dogs/9007199254740992/')).status).toBe(404)
  })
})

describe.skipIf(!isPostgresExpected)('on PostgreSQL alone', () => {
  test(
    'a list from before the loss of a connection is never taken as current',
    async () => {
      await using pets = await openPets(await postgresDatabase())
      const { version } = (await pets.store.list(all(10), ''))!
      await pets.database.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
      let again: unknown
      const deadlineMs = performance.now() + 5000
      // The first call may fail until the pool has noticed the loss.
      while (again === undefined && performance.now() < deadlineMs) {
        again = await Promise.resolve(pets.store.list(all(10), version)).catch(() => undefined)
      }
      expect(again).toMatchObject({ json: '[]' })
    },
    SLOW_MS,
  )

  test(
    'two kinds share a database, each with its own table and migrations',
    async () => {
      await using database = await postgresDatabase()
      const log = createLogger('test', 'silent')
      const config = serviceConfig(testKind, database.env)
      for (const kind of [testKind, { ...testKind, name: 'cats', trait: 'likes_to_drop_things' }]) {
        const { migrate } = databaseOf(kind, config)
        expect(await migrate(log)).toEqual([
          '0001_initial',
          '0002_is_test',
          '0003_is_test_index',
          '0004_idempotency',
          '0005_idempotency_index',
        ])
        expect(await migrate(log)).toEqual([])
      }
    },
    SLOW_MS,
  )

  test(
    'replicas that start together migrate once',
    async () => {
      await using database = await postgresDatabase()
      const config = serviceConfig(testKind, database.env)
      const log = createLogger('test', 'silent')
      const applied = await Promise.all(
        Array.from({ length: 4 }, () => databaseOf(testKind, config).migrate(log)),
      )
      expect(applied.map(({ length }) => length).toSorted()).toEqual([0, 0, 0, 5])
    },
    SLOW_MS,
  )

  test(
    'a database of another encoding is refused at the start',
    async () => {
      await using database = await postgresDatabase()
      await database.query("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
      const env = { DOGS_DATABASE_URL: database.env.DOGS_DATABASE_URL!.replace(/[^/]+$/, 'latin') }
      const { migrate } = databaseOf(testKind, serviceConfig(testKind, env))
      expect(async () => migrate(createLogger('test', 'silent'))).toThrow(
        "the database has the encoding LATIN1: create one with ENCODING 'UTF8'",
      )
    },
    SLOW_MS,
  )
})
