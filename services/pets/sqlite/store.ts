/**
 * Stores pets in a SQLite table. Every write is one statement, so SQLite takes the write lock before it reads. A transaction
 * that reads first and then writes would fail at once with SQLITE_BUSY_SNAPSHOT, without waiting for `busy_timeout`.
 */
import type { Database } from 'bun:sqlite'
import type { Registry } from '@bun-monitoring/metrics'
import { DatabaseMetrics } from '@bun-monitoring/metrics/sqlite'
import type { Logger } from '@bun-monitoring/prefork'
import type { Kind } from '../model/kind.ts'
import type { Pet, PetInput } from '../model/pet.ts'
import { type ModelMetrics, modelMetrics } from '../store/metrics.ts'
import { type Listing, type Store, Unavailable } from '../store/store.ts'
import { translated } from './errors.ts'
import { appliedTo } from './migrate.ts'

/** A row as SQLite returns it: booleans are 0 and 1. */
type Row = { id: number; name: string; breed: string; is_test: number } & Record<string, unknown>

export class SqliteStore implements Store {
  readonly #kind: Kind
  readonly #db: Database
  readonly #log: Logger
  readonly #statements: ReturnType<typeof prepare>
  readonly #model: ModelMetrics
  #ownWrites = 0
  #countedVersion = ''

  constructor(kind: Kind, db: Database, registry: Registry, log: Logger) {
    this.#kind = kind
    this.#db = db
    this.#log = log
    this.#statements = prepare(kind, db, new DatabaseMetrics(registry))
    this.#model = modelMetrics(kind, registry)
    this.#model.countMigrations(appliedTo(db))
  }

  publish(): void {
    const version = this.#version()
    if (version === this.#countedVersion) return
    this.#countedVersion = version
    this.#model.countRows(this.#statements.count.get()!.rows)
  }

  /** Reads the version before the rows: a commit in between makes the rows newer than their version, never older. */
  list(after: number, limit: number, known: string): Listing | undefined {
    const version = this.#version()
    if (version === known) return undefined
    // One row more than requested, to know whether there is a next page.
    const rows = this.#ask(() => this.#statements.list.all(after, limit + 1))
    const next = rows.length > limit ? rows[limit - 1]!.id : undefined
    return { version, next, json: JSON.stringify(rows.slice(0, limit).map((row) => this.#pet(row))) }
  }

  find(id: number): Pet | undefined {
    const row = this.#ask(() => this.#statements.find.get(id))
    return row ? this.#pet(row) : undefined
  }

  insert(pet: PetInput): Pet {
    const isTest = pet.is_test === true ? 1 : 0
    const row = this.#ask(() => this.#statements.insert.get(pet.name, pet.breed, this.#trait(pet), isTest))!
    this.#wrote(this.#model.inserts, 1)
    return this.#pet(row)
  }

  update(id: number, pet: PetInput): Pet | undefined {
    const row = this.#ask(() => this.#statements.update.get(pet.name, pet.breed, this.#trait(pet), id))
    if (!row) return undefined
    this.#wrote(this.#model.updates, 1)
    return this.#pet(row)
  }

  delete(id: number): boolean {
    return this.#deleted(() => this.#statements.delete.run(id)) > 0
  }

  deleteTests(): number {
    return this.#deleted(() => this.#statements.deleteTests.run())
  }

  close(): void {
    this.#db.close()
  }

  /**
   * Changes whenever the table may have changed. SQLite's `data_version` changes with commits of other connections, in any
   * process, but not with those of this connection (sqlite.org/pragma.html#pragma_data_version), which are counted here.
   */
  #version(): string {
    return `${this.#statements.version.get()!.data_version}.${this.#ownWrites}`
  }

  #pet(row: Row): Pet {
    return {
      id: row.id,
      name: row.name,
      breed: row.breed,
      [this.#kind.trait]: row[this.#kind.trait] === 1,
      is_test: row.is_test === 1,
    }
  }

  #trait(pet: PetInput): 0 | 1 {
    return pet[this.#kind.trait] === true ? 1 : 0
  }

  #deleted(statement: () => { changes: number }): number {
    const { changes } = this.#ask(statement)
    if (changes > 0) this.#wrote(this.#model.deletes, changes)
    return changes
  }

  /** @throws Unavailable if another writer holds the database. */
  #ask<T>(statement: () => T): T {
    try {
      return statement()
    } catch (error) {
      const thrown = translated(error)
      if (thrown instanceof Unavailable) this.#log.warn({ err: error }, 'the database is busy')
      throw thrown
    }
  }

  #wrote(counter: { inc(rows: number): void }, rows: number): void {
    this.#ownWrites++
    counter.inc(rows)
  }
}

function prepare({ name, trait }: Kind, db: Database, metrics: DatabaseMetrics) {
  const columns = `id, name, breed, ${trait}, is_test`
  return {
    list: metrics.prepare<Row, [number, number]>(
      db,
      `SELECT ${columns} FROM ${name} WHERE id > ? ORDER BY id LIMIT ?`,
    ),
    find: metrics.prepare<Row, [number]>(db, `SELECT ${columns} FROM ${name} WHERE id = ?`),
    insert: metrics.prepare<Row, [string, string, number, number]>(
      db,
      `INSERT INTO ${name} (name, breed, ${trait}, is_test) VALUES (?, ?, ?, ?) RETURNING ${columns}`,
    ),
    update: metrics.prepare<Row, [string, string, number, number]>(
      db,
      `UPDATE ${name} SET name = ?, breed = ?, ${trait} = ? WHERE id = ? RETURNING ${columns}`,
    ),
    delete: metrics.prepare<never, [number]>(db, `DELETE FROM ${name} WHERE id = ?`),
    deleteTests: metrics.prepare<never, []>(db, `DELETE FROM ${name} WHERE is_test = 1`),
    // Not operations of a request, so not measured.
    version: db.prepare<{ data_version: number }, []>('PRAGMA data_version'),
    count: db.prepare<{ rows: number }, []>(`SELECT count(*) AS rows FROM ${name}`),
  }
}
