/** For tests: empty databases of both systems, and the app or the service over one of them. */
import { Database } from 'bun:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL } from 'bun'
import pino from 'pino'
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, type Logger, RequestTally } from '@bun-monitoring/prefork'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import type { AdminAccount } from './admin/sessions.ts'
import { petsApp } from './app.ts'
import { serviceConfig } from './config.ts'
import { databaseOf } from './database.ts'
import { defineKind, type Kind, prefixOf } from './model/kind.ts'
import { isPostgresExpected, sharedServer } from './postgres/testing_server.ts'

export const testKind = defineKind({
  name: 'dogs',
  fields: {
    name: { type: 'text', description: 'the name' },
    breed: { type: 'text', description: 'the breed' },
    likes_to_bark: { type: 'boolean', description: 'whether it likes to bark' },
  },
  defaults: { port: 8001, adminPort: 9001, databasePath: 'data/dogs.sqlite' },
})

export const limits = { bodyBytes: 4096, requestTimeoutMs: 30_000 }

/** A folder that is removed at the end of the scope. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'contract-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** An empty database. */
export interface TestDatabase extends AsyncDisposable {
  system: 'sqlite' | 'postgresql'
  /** The settings with which a service uses it. */
  env: Record<string, string>
  /** Runs a statement on a connection outside the service. */
  query<Row>(sql: string): Promise<Row[]>
  /** Runs `act` while another connection has executed `sql` and not yet committed it. */
  during(sql: string, act: () => Promise<void>): Promise<void>
}

/** A SQLite file in a new folder, removed at the end of the scope. */
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

/** A PostgreSQL database on the shared server of this process, or on another server. */
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

/** Both systems, for `describe.each(testDatabases)('%s', (_, create) => …)`. */
export const testDatabases: [name: string, create: () => Promise<TestDatabase>][] = [
  ['SQLite', async () => temporaryDatabase()],
  ...(isPostgresExpected ? [['PostgreSQL', postgresDatabase] as [string, typeof postgresDatabase]] : []),
]

/** A log whose lines are kept as objects. */
export function linesOf(level: string): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>)
  const formatters = { level: (label: string) => ({ level: label }) }
  return { log: pino({ level, base: {}, formatters }, { write }), lines }
}

let services = 0

/**
 * Starts the service as a process, on free ports, with the given settings. It has its own address: it binds a free port a
 * moment after it has found it, and on 127.0.0.1 a client may take the port in between.
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

/** Opens the app over a database, for requests without a socket: `ask('/dogs/')`. Disposes of the database at the end. */
export async function openPets(
  database: TestDatabase,
  options: Partial<
    typeof limits & { kind: Kind; hosts: string[]; publicPath: string; log: Logger; admin: AdminAccount }
  > = {},
) {
  const registry = new Registry()
  const log = options.log ?? createLogger('test', 'silent')
  const kind = options.kind ?? testKind
  const env = Object.fromEntries(
    Object.entries(database.env).map(([name, value]) => [name.replace('DOGS', prefixOf(kind)), value]),
  )
  const { migrate, open } = databaseOf(kind, serviceConfig(kind, env))
  await migrate(log)
  const store = open(registry, log)
  await store.publish()
  const tally = new RequestTally()
  const app = petsApp({
    kind,
    version: '0.0.0',
    store,
    limits: { ...limits, ...options },
    hosts: options.hosts ?? [],
    publicPath: options.publicPath,
    admin: options.admin,
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
