/** A database that stops, starts, hangs or is locked, from the point of view of a service's clients. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { dogs, post, postgresDatabase } from '../testing.ts'
import { isPostgresExpected, TestServer } from './testing_server.ts'
import { outage, withinMs } from './testing_outage.ts'

const SLOW_MS = 120_000

/** Repeats a request until the response has this status. */
async function until(status: number, ask: () => Promise<Response>): Promise<Response> {
  const deadlineMs = performance.now() + 60_000
  for (;;) {
    const response = await ask()
    if (response.status === status) return response
    await response.body?.cancel()
    if (performance.now() > deadlineMs) throw new Error(`still ${response.status}, not ${status}`)
    await Bun.sleep(10)
  }
}

describe.skipIf(!isPostgresExpected)('PostgreSQL', () => {
  /** A server of this file alone, because it is stopped. */
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.create()
  }, SLOW_MS)
  afterAll(() => server[Symbol.asyncDispose]())

  test.each(['INT', 'QUIT'] as const)(
    'stopped by SIG%s under load: 503 with Retry-After, no acknowledged write lost, back soon, no restart',
    async (signal) => {
      const seen = await outage(server, signal, 1000)
      expect(seen.wrong).toEqual([])
      expect(seen.lost).toEqual([])
      expect(seen.unavailable).toBeGreaterThan(100)
      expect(seen.recoveredMs).toBeLessThan(seen.withinMs)
      // No client waits for the statement timeout, which is 5 s.
      expect(seen.slowestMs).toBeLessThan(3000 + seen.withinMs)
      expect(seen.pids[1]).toEqual(seen.pids[0])
    },
    SLOW_MS,
  )

  test(
    'hangs: requests get 503 after the statement timeout, then at once, and succeed again when it continues',
    async () => {
      await using database = await postgresDatabase(Promise.resolve(server))
      await using service = dogs({
        DOGS_WORKERS: '0',
        DOGS_DATABASE_STATEMENT_TIMEOUT_MS: '2000',
        DOGS_DATABASE_CONNECT_TIMEOUT_MS: '1500',
        ...database.env,
      })
      const { url } = await service.ready()
      expect((await post(url, 'before')).status).toBe(201)
      server.freeze('SIGSTOP')
      const broken = await post(url, 'lost or not')
      expect(broken.status).toBe(503)
      expect((await broken.json()).detail).toContain('it is not known whether a change was made')
      await service.line('the database is away')
      const startedMs = performance.now()
      const refused = await Promise.all(Array.from({ length: 10 }, () => post(url, 'refused')))
      expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]))
      expect((await refused[0]!.json()).detail).toBe('The database is away: nothing was changed, try again')
      const tookMs = performance.now() - startedMs
      server.freeze('SIGCONT')
      expect(tookMs).toBeLessThan(await withinMs(server))
      await until(201, () => post(url, 'after'))
      await service.line('the database is back')
      const names = await database.query<{ name: string }>(
        "SELECT name FROM dogs WHERE name <> 'lost or not'",
      )
      expect(names.map(({ name }) => name)).toEqual(['before', 'after'])
    },
    SLOW_MS,
  )

  test(
    'locks the table: 503 after the statement timeout, or if no connection is free, and no row is stored',
    async () => {
      await using database = await postgresDatabase()
      await using service = dogs({
        DOGS_WORKERS: '0',
        DOGS_DATABASE_POOL: '2',
        DOGS_DATABASE_STATEMENT_TIMEOUT_MS: '2000',
        DOGS_DATABASE_CONNECT_TIMEOUT_MS: '300',
        ...database.env,
      })
      const { url, admin } = await service.ready()
      const details: string[] = []
      await database.during('LOCK TABLE dogs', async () => {
        const responses = await Promise.all(Array.from({ length: 5 }, () => post(url, 'refused')))
        expect(responses.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503])
        expect(responses.every(({ headers }) => headers.get('retry-after') === '1')).toBe(true)
        for (const response of responses) details.push((await response.json()).detail as string)
      })
      // The statement that counts rows may have held one of the two connections.
      const [late, without] = [
        'The database could not do it now: nothing was changed, try again',
        'No connection to the database was free within 300 ms: nothing was changed, try again',
      ].map((detail) => details.filter((each) => each === detail).length) as [number, number]
      expect([1, 2]).toContain(late)
      expect(without).toBe(5 - late)
      await until(201, () => post(url, 'after'))
      expect(await database.query('SELECT name FROM dogs')).toEqual([{ name: 'after' }])
      const page = await (await fetch(`${admin}/metrics`)).text()
      const errors =
        'db_client_operation_errors_total{db_system_name="postgresql",db_operation_name="INSERT",db_collection_name="dogs"'
      expect(page).toContain(`${errors},error_type="57014"} ${late}`)
      expect(page).toContain(`${errors},error_type="POOL_TIMEOUT"} ${without}`)
      const valueOf = (series: string) =>
        Number(
          page
            .split('\n')
            .find((line) => line.startsWith(series))!
            .split(' ')[1],
        )
      expect(valueOf('db_client_connection_timeouts_total')).toBeGreaterThanOrEqual(without)
      const count = (state: string) => valueOf(`db_client_connection_count{state="${state}"}`)
      expect(count('idle') + count('used')).toBe(2)
      const open = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'dogs' AND datname = current_database()`
      expect(await database.query(open)).toHaveLength(2)
    },
    SLOW_MS,
  )

  test(
    'a worker that is replaced during the outage serves afterwards',
    async () => {
      await using database = await postgresDatabase(Promise.resolve(server))
      await using service = dogs({ DOGS_WORKERS: '1', ...database.env })
      const { url } = await service.ready()
      await server.stop('QUIT')
      await until(503, () => fetch(`${url}/dogs/`))
      const { workerPid } = await service.line('worker 1 is ready')
      process.kill(workerPid as number, 'SIGKILL')
      const deadlineMs = performance.now() + 60_000
      while (service.lines('worker 1 is ready').length < 2 && performance.now() < deadlineMs)
        await Bun.sleep(10)
      expect((await fetch(`${url}/dogs/`)).status).toBe(503)
      await server.start()
      await until(200, () => fetch(`${url}/dogs/`))
    },
    SLOW_MS,
  )

  test(
    'the password is read from a file, and a wrong one ends the start with exit code 3',
    async () => {
      await using database = await postgresDatabase(Promise.resolve(server))
      await database.query(`CREATE ROLE guarded LOGIN PASSWORD 'open "sesame'`)
      await database.query('GRANT ALL ON SCHEMA public TO guarded')
      const file = join(server.folder, 'password')
      const env = {
        DOGS_DATABASE_URL: database.env.DOGS_DATABASE_URL!.replace('dogs@', 'guarded@'),
        DOGS_DATABASE_PASSWORD_FILE: file,
      }
      await Bun.write(file, 'open "sesame\n')
      await using service = dogs(env)
      expect((await post((await service.ready()).url, 'let in')).status).toBe(201)
      await Bun.write(file, 'wrong')
      await using refused = dogs(env)
      expect(await refused.exit()).toBe(3)
      const { msg } = await refused.line('dogs could not start')
      expect(msg).toContain('refuses the login: password authentication failed for user "guarded"')
    },
    SLOW_MS,
  )

  test(
    'not yet started: the service waits for it and logs that',
    async () => {
      await using database = await postgresDatabase(Promise.resolve(server))
      await server.stop('INT')
      await using service = dogs({ DOGS_DATABASE_CONNECT_TIMEOUT_MS: '200', ...database.env })
      await service.line('waiting for PostgreSQL at 127.0.0.1:')
      await server.start()
      const { url } = await service.ready()
      expect((await post(url, 'first')).status).toBe(201)
    },
    SLOW_MS,
  )

  test(
    'never started, or refusing the login: the start ends with exit code 3 and the remedy',
    async () => {
      const url = 'postgres://dogs:secret@127.0.0.1:1/dogs'
      await using absent = dogs({ DOGS_DATABASE_URL: url, DOGS_DATABASE_CONNECT_TIMEOUT_MS: '10' })
      expect(await absent.exit()).toBe(3)
      await absent.line(
        'dogs could not start: PostgreSQL at 127.0.0.1:1/dogs did not answer 30 times: Failed to connect: start it or correct DOGS_DATABASE_URL',
      )

      await using database = await postgresDatabase()
      const stranger = database.env.DOGS_DATABASE_URL!.replace('dogs@', 'stranger:secret@')
      await using refused = dogs({ DOGS_DATABASE_URL: stranger })
      expect(await refused.exit()).toBe(3)
      const { msg } = await refused.line('dogs could not start')
      expect(msg).toEndWith(
        'refuses the login: role "stranger" does not exist: correct DOGS_DATABASE_URL or the password',
      )
      for (const service of [absent, refused]) {
        expect(JSON.stringify(service.lines('')) + (await service.stderr)).not.toContain('secret')
      }
    },
    SLOW_MS,
  )
})

test(
  'a URL of another system and a missing password file are reported without the password',
  async () => {
    await using service = dogs({
      DOGS_DATABASE_URL: 'mysql://dogs:secret@localhost/dogs',
      DOGS_DATABASE_PASSWORD_FILE: '/nowhere',
      DOGS_DATABASE_POOL: '0',
    })
    expect(await service.exit()).toBe(2)
    expect(await service.stderr).toBe(
      'dogs: the configuration is wrong\n' +
        '  DOGS_DATABASE_POOL="0" is not allowed: must be an integer from 1 to 1000\n' +
        '  DOGS_DATABASE_URL is not allowed: must be postgres://user:password@host:5432/database\n' +
        "  DOGS_DATABASE_PASSWORD_FILE cannot be read: ENOENT: no such file or directory, open '/nowhere'\n",
    )
  },
  SLOW_MS,
)
