/**
 * Stores pets in a PostgreSQL table. Every write is one statement, hence a transaction of its own, committed before the
 * response. A list is one statement, too, which returns rows only if a write followed the known version.
 *
 * PostgreSQL takes ids before their rows are visible, and transactions commit in any order. A list therefore waits for the
 * inserts in progress that may have taken an id between its rows, which are found by their advisory locks. That costs an
 * insert a shared lock, which no other insert waits for, and lists two statements, only for the newest rows.
 */
import type { Registry } from '@bun-monitoring/metrics'
import type { Value } from '../model/field.ts'
import { columnsOf, fieldsOfType, filtersOf, inputFields, type Kind } from '../model/kind.ts'
import type { Pet, PetInput } from '../model/pet.ts'
import { type ModelMetrics, modelMetrics } from '../store/metrics.ts'
import {
  type BrowseQuery,
  type Filter,
  fingerprintOf,
  KEY_LIFE_MS,
  type Listing,
  type ListQuery,
  type Store,
} from '../store/store.ts'
import type { Pool, Rows } from './pool.ts'
import { type PageRow, prepare, type Statements } from './statements.ts'

/** The interval at which expired keys are deleted. */
const FORGET_EVERY_MS = 60_000

/** The greatest id that a row can have. */
const GREATEST_ID = Number.MAX_SAFE_INTEGER

export class PostgresStore implements Store {
  readonly outage = undefined
  readonly #kind: Kind
  readonly #pool: Pool
  readonly #statements: Statements
  readonly #model: ModelMetrics
  readonly #inputs: readonly string[]
  readonly #hasNumbers: boolean
  #countedVersion = ''
  #forgotMs = 0
  /** All rows with ids up to this one are committed or will never be. */
  #settled = { epoch: '', id: 0 }

  constructor(kind: Kind, pool: Pool, registry: Registry) {
    this.#kind = kind
    this.#pool = pool
    this.#statements = prepare(kind, pool, registry)
    this.#model = modelMetrics(kind, registry)
    this.#inputs = inputFields(kind).map(([name]) => name)
    this.#hasNumbers = fieldsOfType(kind, 'number').length > 0
  }

  async publish(): Promise<void> {
    const [row] = await this.#statements.count(this.#countedVersion, this.#epoch())
    // Reads alone would never show it.
    if (row!.is_read_only) return this.#pool.leaveServer()
    if (row!.version === this.#countedVersion) return
    this.#countedVersion = row!.version
    this.#model.countRows(row!.rows)
    this.#model.countMigrations(row!.migrations.split(' '))
  }

  async list(query: ListQuery, known: string): Promise<Listing | undefined> {
    const { after, before } = query
    const greatest = after === undefined || before === undefined ? GREATEST_ID : before - 1
    const page = await this.#page(query, known, greatest)
    if (page.version === known) return undefined
    if (page.last === null || this.#isSettled(query, page)) return listingOf(query, page)
    // A row with a smaller id may be committed later: a client that goes on after this page would never see it.
    await this.#statements.settle(page.last)
    const later = await this.#page(query, page.version, page.last)
    this.#settled = { epoch: this.#epoch(), id: Math.max(page.last, this.#settledId()) }
    if (later.version === page.version) return listingOf(query, page)
    // Rows beyond the last id of the first page are left out, so the page is not one of its version.
    const isNext = page.is_next || later.is_next
    return { ...listingOf(query, { ...later, is_next: isNext }), version: '' }
  }

  async browse({ filter, sort, isDescending, offset, limit }: BrowseQuery) {
    const filters = this.#filters(filter)
    const order = orderOf(this.#kind, sort, isDescending)
    const pets = await this.#statements.browse(order, limit, offset, ...filters)
    const [count] = await this.#statements.countFiltered(filters)
    return { pets: [...pets], total: count!.total }
  }

  async find(id: number): Promise<Pet | undefined> {
    return (await this.#statements.find(id))[0]
  }

  async insert(pet: PetInput): Promise<Pet> {
    const [row] = await this.#statements.insert(...this.#values(pet))
    this.#model.inserts.inc(1)
    return row!
  }

  async insertOnce(pet: PetInput, key: string, nowMs: number): Promise<Pet | undefined> {
    const fingerprint = fingerprintOf(pet)
    const expiredMs = nowMs - KEY_LIFE_MS
    const values = this.#values(pet)
    const [row] = await this.#statements.insertOnce(...values, key, fingerprint, nowMs, expiredMs)
    if (row) {
      this.#model.inserts.inc(1)
      if (nowMs - this.#forgotMs > FORGET_EVERY_MS) {
        this.#forgotMs = nowMs
        await this.#statements.forget(expiredMs)
      }
      return row
    }
    const [known] = await this.#statements.keyed(key)
    if (known?.fingerprint !== fingerprint) return undefined
    return { id: known.pet_id, ...pet } as Pet
  }

  async update(id: number, pet: PetInput, expected?: Pet): Promise<Pet | undefined> {
    const { update, updateExpected } = this.#statements
    const values = this.#values(pet)
    const [row] = await (expected
      ? updateExpected(...values, id, ...this.#values(expected))
      : update(...values, id))
    if (row) this.#model.updates.inc(1)
    return row
  }

  async delete(id: number, expected?: Pet): Promise<boolean> {
    const { delete: any, deleteExpected } = this.#statements
    const result = await (expected ? deleteExpected(id, ...this.#values(expected)) : any(id))
    return this.#deleted(result) > 0
  }

  async deleteTests(): Promise<number> {
    return this.#deleted(await this.#statements.deleteTests())
  }

  close(): void {
    this.#pool.close()
  }

  async #page(query: ListQuery, known: string, greatestId: number): Promise<PageRow> {
    const { limit, after, before, filter } = query
    const { all, filtered } = this.#statements
    const way = after === undefined ? 'backward' : 'forward'
    const params = [known, this.#epoch(), after ?? before!, limit, greatestId] as const
    const values = this.#filters(filter)
    const isFiltered = values.some((value) => value !== null)
    const [row] = await (isFiltered ? filtered[way](...params, ...values) : all[way](...params))
    // PostgreSQL writes some numbers in another way than JavaScript, and clients get the same bytes from both databases.
    return this.#hasNumbers ? { ...row!, json: JSON.stringify(JSON.parse(row!.json)) } : row!
  }

  /** Whether no row can appear between the rows of a page any more. */
  #isSettled({ after }: ListQuery, { count, last }: PageRow): boolean {
    const hasNoGap = after !== undefined && last! - after === count
    return hasNoGap || last! <= this.#settledId()
  }

  /** Another server may have other rows: nothing is known after the loss of a connection. */
  #settledId(): number {
    return this.#settled.epoch === this.#epoch() ? this.#settled.id : 0
  }

  #values(pet: PetInput): (Value | null)[] {
    return this.#inputs.map((name) => pet[name] ?? null)
  }

  #filters({ equal, isTest, search }: Filter): (string | boolean | null)[] {
    return [
      ...filtersOf(this.#kind).map((name) => equal?.[name] ?? null),
      isTest ?? null,
      search?.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) ?? null,
    ]
  }

  #deleted({ count }: Rows<never>): number {
    this.#model.deletes.inc(count)
    return count
  }

  /** The prefix of versions: a version from before the loss of a connection equals none from after it. */
  #epoch(): string {
    return `${this.#pool.losses}/`
  }
}

function listingOf({ after, before }: ListQuery, page: PageRow): Listing {
  const { version, json, first, last, is_prev: isPrev, is_next: isNext } = page
  return {
    version,
    json,
    next: isNext ? (last ?? before! - 1) : undefined,
    prev: isPrev && (after === undefined || before === undefined) ? (first ?? after! + 1) : undefined,
  }
}

/**
 * The collation C orders by code points, as SQLite does.
 * @throws Error for a name that is no column: it becomes part of the SQL.
 */
function orderOf(kind: Kind, sort: string, isDescending: boolean): string {
  if (!columnsOf(kind).includes(sort)) throw new Error(`${sort} is no column`)
  const direction = isDescending ? 'DESC' : 'ASC'
  const collation = fieldsOfType(kind, 'text', 'enum').includes(sort) ? 'COLLATE "C"' : ''
  return `"${sort}" ${collation} ${direction}, id ${direction}`
}
