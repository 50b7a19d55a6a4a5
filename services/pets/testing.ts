/** For tests: databases of either kind, each its own, and the app of one kind of pet over one of them. */
import { Database } from 'bun:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL } from 'bun'
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, RequestTally } from '@bun-monitoring/prefork'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { petsApp } from './app.ts'
import { serviceConfig } from './config.ts'
import { databaseOf } from './database.ts'
import type { Kind } from './kind.ts'
import { isPostgresExpected, sharedServer } from './testing_postgres.ts'

export const testKind: Kind = {
  name: 'dogs',
  trait: 'likes_to_bark',
  defaults: { port: 8001, adminPort: 9001, databasePath: 'data/dogs.sqlite' },
}

export const limits = { bodyBytes: 4096, requestTimeoutMs: 30_000 }

/** An empty database. */
export interface TestDatabase extends AsyncDisposable {
  system: 'sqlite' | 'postgresql'
  /** What makes a service use it. */
  env: Record<string, string>
  /** Asks on a connection that the service does not know of. */
  query<Row>(sql: string): Promise<Row[]>
  /** Does something between another's write, or lock, and its commit. */
  during(sql: string, act: () => Promise<void>): Promise<void>
}

/** A file in a new folder that is removed at the end of the scope. */
export function temporaryDatabase(): TestDatabase & { path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pets-'))
  const path = join(folder, 'pets.sqlite')
  return {
    system: 'sqlite',
    path,
    env: { DOGS_DATABASE_PATH: path },
    async query<Row>(sql: string) {
      using db = new Database(path)
      return db.query(sql).all() as Row[]
    },
    async during(sql, act) {
      using db = new Database(path)
      db.run('BEGIN IMMEDIATE')
      db.run(sql)
      await act()
      db.run('COMMIT')
    },
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

let databases = 0

/** A database of the server that the tests of this process share, or of another. */
export async function postgresDatabase(server = sharedServer()): Promise<TestDatabase> {
  const name = `pets_${++databases}`
  const { url } = await server.then((each) => ({ url: each.url.bind(each) }))
  const ask = async <Row>(database: string, sql: string): Promise<Row[]> => {
    await using client = new SQL(url(database), { max: 1 })
    return [...((await client.unsafe(sql)) as Row[])]
  }
  await ask('postgres', `CREATE DATABASE ${name}`)
  return {
    system: 'postgresql',
    env: { DOGS_DATABASE_URL: url(name) },
    query: (sql) => ask(name, sql),
    async during(sql, act) {
      await using client = new SQL(url(name), { max: 1 })
      await client.begin(async (transaction) => {
        await transaction.unsafe(sql)
        await act()
      })
    },
    async [Symbol.asyncDispose]() {
      await ask('postgres', `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

/** What holds for both: `describe.each(testDatabases)('%s', (_, create) => …)`. */
export const testDatabases: [name: string, create: () => Promise<TestDatabase>][] = [
  ['SQLite', async () => temporaryDatabase()],
  ...(isPostgresExpected ? [['PostgreSQL', postgresDatabase] as [string, typeof postgresDatabase]] : []),
]

let services = 0

/**
 * A service as a process of its own, on free ports, over a database or with other settings. It has an address of its own, too: a port
 * that it finds free is bound a moment later, and on 127.0.0.1 some client may have it by then.
 */
export const dogs = (env: Record<string, string>): TestProcess =>
  new TestProcess([join(import.meta.dir, 'testdata/dogs.ts')], {
    DOGS_HOST: `127.${1 + (process.pid % 250)}.${(process.pid >> 8) % 256}.${1 + (++services % 250)}`,
    DOGS_PORT: '0',
    DOGS_ADMIN_PORT: '0',
    ...env,
  })

export const post = (url: string, name: string): Promise<Response> =>
  fetch(`${url}/dogs/`, { method: 'POST', body: JSON.stringify({ name, breed: 'Pug' }) })

/** The app over a database that ends with it, ready to be asked without a socket: `ask('/dogs/')`. */
export async function openPets(database: TestDatabase, options: Partial<typeof limits> = {}) {
  const registry = new Registry()
  const log = createLogger('test', 'silent')
  const { migrate, open } = databaseOf(testKind, serviceConfig(testKind, database.env))
  await migrate(log)
  const store = open(registry, log)
  await store.publish()
  const tally = new RequestTally()
  const app = petsApp({
    kind: testKind,
    version: '0.0.0',
    store,
    limits: { ...limits, ...options },
    registry,
    tally,
    log,
  }).compile()

  const ask = async (target: string, init: RequestInit = {}): Promise<Response> =>
    app.handle(new Request(`http://localhost:8001${target}`, init))
  const send = (method: string, target: string, body: unknown): Promise<Response> =>
    ask(target, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
  return {
    app,
    database,
    ask,
    send,
    store,
    registry,
    tally,
    async [Symbol.asyncDispose]() {
      store.close()
      await database[Symbol.asyncDispose]()
    },
  }
}
