/**
 * Stores pets in a SQLite table. Every write is one statement, so SQLite takes the write lock before it reads. A transaction
 * that reads first and then writes would fail at once with SQLITE_BUSY_SNAPSHOT, without waiting for `busy_timeout`.
 */
import type { Database } from 'bun:sqlite'
import type { Registry } from '@bun-monitoring/metrics'
import type { Logger } from '@bun-monitoring/prefork'
import { columnsOf, fieldsOfType, filtersOf, inputFields, type Kind } from '../model/kind.ts'
import type { Pet, PetInput } from '../model/pet.ts'
import { type ModelMetrics, modelMetrics } from '../store/metrics.ts'
import {
  type Awaitable,
  type BrowseQuery,
  type Filter,
  fingerprintOf,
  KEY_LIFE_MS,
  type Listing,
  type ListQuery,
  type Store,
} from '../store/store.ts'
import type { FileWatch } from './file_watch.ts'
import { appliedTo } from './migrate.ts'
import { prepare, type Row, type SqlValue, type Statements } from './statements.ts'
import { WriteQueue } from './write_queue.ts'

export class SqliteStore implements Store {
  readonly #kind: Kind
  readonly #db: Database
  readonly #watch: FileWatch
  readonly #statements: Statements
  readonly #model: ModelMetrics
  readonly #queue: WriteQueue
  readonly #inputs: readonly string[]
  readonly #flags: readonly string[]
  #ownWrites = 0
  #countedVersion = ''

  constructor(kind: Kind, db: Database, watch: FileWatch, registry: Registry, log: Logger) {
    this.#kind = kind
    this.#db = db
    this.#watch = watch
    this.#statements = prepare(kind, db, registry)
    this.#model = modelMetrics(kind, registry)
    this.#model.countMigrations(appliedTo(db))
    this.#queue = new WriteQueue(db, log)
    this.#inputs = inputFields(kind).map(([name]) => name)
    this.#flags = [...fieldsOfType(kind, 'boolean'), 'is_test']
  }

  get outage(): string | undefined {
    return this.#watch.loss
  }

  publish(): void {
    const version = this.#version()
    if (version === this.#countedVersion) return
    this.#countedVersion = version
    this.#model.countRows(this.#statements.count.get()!.rows)
  }

  list(query: ListQuery, known: string): Awaitable<Listing | undefined> {
    return this.#read(() => this.#list(query, known))
  }

  browse({
    filter,
    sort,
    isDescending,
    offset,
    limit,
  }: BrowseQuery): Awaitable<{ pets: Pet[]; total: number }> {
    return this.#read(() => {
      const filters = this.#filters(filter)
      const order = orderOf(this.#kind, sort, isDescending)
      const rows = this.#statements.browse(order).all(...filters, limit, offset)
      const { total } = this.#statements.countFiltered.get(...filters)!
      return { pets: rows.map((row) => this.#pet(row)), total }
    })
  }

  find(id: number): Awaitable<Pet | undefined> {
    return this.#read(() => {
      const row = this.#statements.find.get(id)
      return row ? this.#pet(row) : undefined
    })
  }

  insert(pet: PetInput): Awaitable<Pet> {
    return this.#write(() => this.#insert(pet))
  }

  insertOnce(pet: PetInput, key: string, nowMs: number): Awaitable<Pet | undefined> {
    const fingerprint = fingerprintOf(pet)
    const insert = this.#db.transaction(() => {
      this.#statements.forget.run(nowMs - KEY_LIFE_MS)
      const known = this.#statements.keyed.get(key)
      if (known) return known.fingerprint === fingerprint ? { id: known.pet_id, ...pet } : undefined
      const inserted = this.#insert(pet)
      this.#statements.keep.run(key, fingerprint, inserted.id, nowMs)
      return inserted
    })
    return this.#write(() => insert.immediate() as Pet | undefined)
  }

  update(id: number, pet: PetInput, expected?: Pet): Awaitable<Pet | undefined> {
    return this.#write(() => {
      const { update, updateExpected } = this.#statements
      const values = this.#values(pet)
      const row = expected
        ? updateExpected.get(...values, id, ...this.#values(expected))
        : update.get(...values, id)
      if (!row) return undefined
      this.#wrote(this.#model.updates, 1)
      return this.#pet(row)
    })
  }

  delete(id: number, expected?: Pet): Awaitable<boolean> {
    return this.#write(() => {
      const { delete: any, deleteExpected } = this.#statements
      const { changes } = expected ? deleteExpected.run(id, ...this.#values(expected)) : any.run(id)
      return this.#deleted(changes) > 0
    })
  }

  deleteTests(): Awaitable<number> {
    return this.#write(() => this.#deleted(this.#statements.deleteTests.run().changes))
  }

  close(): void {
    this.#queue.close()
    this.#db.close()
    this.#watch.close()
  }

  #insert(pet: PetInput): Pet {
    const row = this.#statements.insert.get(...this.#values(pet))!
    this.#wrote(this.#model.inserts, 1)
    return this.#pet(row)
  }

  /** Reads the version before the rows: a commit in between makes the rows newer than their version, never older. */
  #list({ limit, after, before, filter }: ListQuery, known: string): Listing | undefined {
    const version = this.#version()
    if (version === known) return undefined
    const { forward, backward, existsUpTo, existsFrom } = this.#statements
    const filters = this.#filters(filter)
    // One row more than requested, to know whether there is another page.
    const rows =
      after === undefined
        ? backward.all(...filters, before!, limit + 1)
        : forward.all(...filters, after, limit + 1, before ?? Number.MAX_SAFE_INTEGER + 1)
    const isMore = rows.length > limit
    if (isMore) rows.pop()
    if (after === undefined) rows.reverse()
    const [first, last] = [rows[0]?.id, rows.at(-1)?.id]
    const json = JSON.stringify(rows.map((row) => this.#pet(row)))
    if (after === undefined) {
      const isNext = existsFrom.get(...filters, before!) !== null
      return {
        version,
        json,
        prev: isMore ? first : undefined,
        next: isNext ? (last ?? before! - 1) : undefined,
      }
    }
    const isPrev = after > 0 && before === undefined && existsUpTo.get(...filters, after) !== null
    return { version, json, next: isMore ? last : undefined, prev: isPrev ? (first ?? after + 1) : undefined }
  }

  /**
   * Changes whenever the table may have changed. SQLite's `data_version` changes with commits of other connections, in any
   * process, but not with those of this connection (sqlite.org/pragma.html#pragma_data_version), which are counted here.
   */
  #version(): string {
    return `${this.#statements.version.get()!.data_version}.${this.#ownWrites}`
  }

  /** @throws Unavailable if the file is lost or locked. */
  #read<T>(statement: () => T): Awaitable<T> {
    this.#watch.requireForRead()
    return this.#queue.read(statement)
  }

  /** @throws Unavailable if the file is lost, locked or full. */
  #write<T>(statement: () => T): Awaitable<T> {
    this.#watch.requireForWrite()
    return this.#queue.write(statement)
  }

  /** Changes the row itself: SQLite has the columns of a pet, in their order. */
  #pet(row: Row): Pet {
    const pet = row as Pet
    for (const flag of this.#flags) pet[flag] = pet[flag] === 1
    return pet
  }

  #values(pet: PetInput): (SqlValue | null)[] {
    return this.#inputs.map((name) => {
      const value = pet[name]
      return typeof value === 'boolean' ? Number(value) : (value ?? null)
    })
  }

  #filters({ equal, isTest, search }: Filter): (SqlValue | null)[] {
    return [
      ...filtersOf(this.#kind).map((name) => equal?.[name] ?? null),
      isTest === undefined ? null : Number(isTest),
      search === undefined ? null : lowerAscii(search),
    ]
  }

  #deleted(rows: number): number {
    if (rows > 0) this.#wrote(this.#model.deletes, rows)
    return rows
  }

  #wrote(counter: { inc(rows: number): void }, rows: number): void {
    this.#ownWrites++
    counter.inc(rows)
  }
}

/** @throws Error for a name that is no column: it becomes part of the SQL. */
function orderOf(kind: Kind, sort: string, isDescending: boolean): string {
  if (!columnsOf(kind).includes(sort)) throw new Error(`${sort} is no column`)
  const direction = isDescending ? 'DESC' : 'ASC'
  return `"${sort}" ${direction}, id ${direction}`
}

/** As SQLite's lower() does without an extension. */
const lowerAscii = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
