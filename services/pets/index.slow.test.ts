/** Tests with real processes: two on one database, one killed while it writes, ten that start together. */
import { describe, expect, test } from 'bun:test'
import { wholeNumbersFrom } from '@bun-monitoring/metrics/testing'
import { createLogger } from '@bun-monitoring/prefork'
import { serviceConfig } from './config.ts'
import { databaseOf } from './database.ts'
import { dogs, post, temporaryDatabase, testDatabases, testKind } from './testing.ts'

/** For tests with many processes or requests. */
const SLOW_MS = 120_000

const namesOf = async (url: string): Promise<string[]> =>
  ((await (await fetch(`${url}/dogs/?limit=1000`)).json()) as { name: string }[]).map(({ name }) => name)

describe.each(testDatabases)('on %s', (_, create) => {
  test(
    'with two processes on one database no list is stale, whichever of them wrote',
    async () => {
      await using database = await create()
      await using first = dogs(database.env)
      await using second = dogs(database.env)
      const urls = [(await first.ready()).url, (await second.ready()).url] as const
      const expected: string[] = []
      const seed = Date.now() % 1_000_000
      const pick = wholeNumbersFrom(seed)
      for (let round = 0; round < 300; round++) {
        const [writer, reader] = pick(2) === 0 ? urls : [urls[1], urls[0]]
        if (pick(3) === 0 && expected.length > 0) {
          const [dog] = (await (await fetch(`${writer}/dogs/?limit=1`)).json()) as { id: number }[]
          expect((await fetch(`${writer}/dogs/${dog!.id}/`, { method: 'DELETE' })).status).toBe(200)
          expected.shift()
        } else {
          expect((await post(writer, `dog ${round}`)).status).toBe(201)
          expected.push(`dog ${round}`)
        }
        // The reader has served this list before: now it must contain the write that was just acknowledged.
        expect({ seed, round, names: await namesOf(reader) }).toEqual({ seed, round, names: expected })
        expect({ seed, round, names: await namesOf(writer) }).toEqual({ seed, round, names: expected })
      }
    },
    SLOW_MS,
  )

  test(
    'kill -9 in the middle of writes loses none that was acknowledged',
    async () => {
      await using database = await create()
      const acknowledged: string[] = []
      for (let life = 0; life < 3; life++) {
        await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
        const { url } = await service.ready()
        const killAfter = acknowledged.length + 200
        const clients = Array.from({ length: 8 }, async (_, client) => {
          for (let i = 0; ; i++) {
            const name = `${life}.${client}.${i}`
            const response = await post(url, name).catch(() => undefined)
            if (!response) return // the connection died with the service
            if (response.status === 201) acknowledged.push(name)
            if (acknowledged.length === killAfter) service.signal('SIGKILL')
          }
        })
        await Promise.all(clients)
        expect(await service.exit()).toBe('SIGKILL')
      }

      await using service = dogs(database.env)
      const { url } = await service.ready()
      const stored = new Set(await namesOf(url))
      expect(acknowledged.length).toBeGreaterThanOrEqual(600)
      expect(acknowledged.filter((name) => !stored.has(name))).toEqual([])
    },
    SLOW_MS,
  )

  test(
    'of ten processes that start together on an empty database all serve, and each migration ran once',
    async () => {
      await using database = await create()
      const together = Array.from({ length: 10 }, () => dogs({ DOGS_WORKERS: '0', ...database.env }))
      try {
        await Promise.all(together.map((service) => service.ready()))
        const applied = await database.query<{ name: string }>('SELECT name FROM migrations ORDER BY name')
        expect(applied.map(({ name }) => name)).toEqual([
          '0001_initial',
          '0002_is_test',
          '0003_is_test_index',
          '0004_idempotency',
          '0005_idempotency_index',
        ])
      } finally {
        await Promise.all(together.map((service) => service[Symbol.asyncDispose]()))
      }
    },
    SLOW_MS,
  )

  test(
    'a migration that the code does not know ends the start with exit code 3 and its name',
    async () => {
      await using database = await create()
      const config = serviceConfig(testKind, database.env)
      await databaseOf(testKind, config).migrate(createLogger('test', 'silent'))
      const columns = database.system === 'sqlite' ? 'name, applied_at' : 'name, model'
      await database.query(`INSERT INTO migrations (${columns}) VALUES ('9999_later', 'dogs')`)
      await using service = dogs(database.env)
      expect(await service.exit()).toBe(3)
      const { msg } = await service.line('dogs could not start')
      expect(msg).toContain('the database has the migration 9999_later, which this version does not know')
    },
    SLOW_MS,
  )
})

test(
  'all problems of the configuration are printed, with exit code 2',
  async () => {
    await using service = dogs({ DOGS_BODY_BYTES: '0', DOGS_LIMIT: '3', DOGS_REQUEST_TIMEOUT_MS: 'soon' })
    expect(await service.exit()).toBe(2)
    expect(await service.stderr).toBe(
      'dogs: the configuration is wrong\n' +
        '  DOGS_BODY_BYTES="0" is not allowed: must be an integer from 1 to 100000000\n' +
        '  DOGS_REQUEST_TIMEOUT_MS="soon" is not allowed: must be an integer from 1 to 3600000\n' +
        '  DOGS_LIMIT is not a setting: did you mean DOGS_HOST?\n',
    )
  },
  SLOW_MS,
)

test.each([
  ['/proc/nowhere/dogs.sqlite', "ENOENT: no such file or directory, mkdir '/proc/nowhere'"],
  [import.meta.path, 'file is not a database'],
])(
  'a file that cannot be used is named, with exit code 3: %s',
  async (path, why) => {
    await using service = dogs({ DOGS_DATABASE_PATH: path })
    expect(await service.exit()).toBe(3)
    const { msg } = await service.line('dogs could not start')
    expect(msg).toEndWith(`cannot use the SQLite file ${path}: ${why}: correct DOGS_DATABASE_PATH`)
  },
  SLOW_MS,
)

test(
  'a second process on the same port is refused, and the first is not disturbed',
  async () => {
    await using database = temporaryDatabase()
    await using first = dogs(database.env)
    const { url } = await first.ready()
    const { host, hostname, port } = new URL(url)
    await using second = dogs({ DOGS_HOST: hostname, DOGS_PORT: port })
    expect(await second.exit()).toBe(3)
    await second.line(`port ${port} is taken: stop what listens on ${host} or set DOGS_PORT`)
    expect((await fetch(`${url}/dogs/`)).status).toBe(200)
  },
  SLOW_MS,
)
