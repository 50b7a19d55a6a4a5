/** For tests: the app of one kind over a database file of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, RequestTally } from '@bun-monitoring/prefork'
import { petsApp } from './app.ts'
import { openDatabase, serveWith } from './database.ts'
import type { Kind } from './kind.ts'
import { migrate, migrationsOf, publishMigrations } from './migrations.ts'
import { Store } from './store.ts'

export const testKind: Kind = {
  name: 'dogs',
  trait: 'likes_to_bark',
  defaults: { port: 8001, adminPort: 9001, databasePath: 'data/dogs.sqlite' },
}

export const limits = { bodyBytes: 4096, requestTimeoutMs: 30_000 }

/** A path in a new folder that is removed at the end of the scope. */
export function temporaryDatabase(): Disposable & { path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pets-'))
  return {
    path: join(folder, 'pets.sqlite'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The app, ready to be asked without a socket: `ask('/dogs/')`. */
export function openPets(path: string, options: Partial<typeof limits> = {}) {
  const registry = new Registry()
  const db = openDatabase(path)
  migrate(db, migrationsOf(testKind))
  publishMigrations(db, migrationsOf(testKind), registry)
  serveWith(db)
  const store = new Store(testKind, db, registry)
  const tally = new RequestTally()
  const app = petsApp({
    kind: testKind,
    version: '0.0.0',
    store,
    limits: { ...limits, ...options },
    registry,
    tally,
    log: createLogger('test', 'silent'),
  }).compile()

  const ask = async (target: string, init: RequestInit = {}): Promise<Response> =>
    app.handle(new Request(`http://localhost:8001${target}`, init))
  const send = (method: string, target: string, body: unknown): Promise<Response> =>
    ask(target, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
  return { app, ask, send, db, store, registry, tally, [Symbol.dispose]: () => store.close() }
}
