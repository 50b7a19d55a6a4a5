/**
 * Stores pets in a PostgreSQL table. Every write is one statement, hence a transaction of its own, committed before the
 * response. A list is one statement, too, which returns rows only if a write followed the known version.
 */
import type { Registry } from '@bun-monitoring/metrics'
import type { Kind } from '../model/kind.ts'
import type { Pet, PetInput } from '../model/pet.ts'
import { type ModelMetrics, modelMetrics } from '../store/metrics.ts'
import type { Filter, Listing, ListQuery, Store } from '../store/store.ts'
import type { Pool, Rows } from './pool.ts'
import { type PageRow, prepare, type Statements } from './statements.ts'

/** The greatest id that a row can have. */
const GREATEST_ID = Number.MAX_SAFE_INTEGER

export class PostgresStore implements Store {
  readonly outage = undefined
  readonly #kind: Kind
  readonly #pool: Pool
  readonly #statements: Statements
  readonly #model: ModelMetrics
  #countedVersion = ''

  constructor(kind: Kind, pool: Pool, registry: Registry) {
    this.#kind = kind
    this.#pool = pool
    this.#statements = prepare(kind, pool, registry)
    this.#model = modelMetrics(kind, registry)
  }

  async publish(): Promise<void> {
    const [row] = await this.#statements.count(this.#countedVersion, this.#epoch())
    if (row!.version === this.#countedVersion) return
    this.#countedVersion = row!.version
    this.#model.countRows(row!.rows)
    this.#model.countMigrations(row!.migrations.split(' '))
  }

  async list(query: ListQuery, known: string): Promise<Listing | undefined> {
    const page = await this.#page(query, known, GREATEST_ID)
    return page.version === known ? undefined : listingOf(query, page)
  }

  async find(id: number): Promise<Pet | undefined> {
    return (await this.#statements.find(id))[0]
  }

  async insert(pet: PetInput): Promise<Pet> {
    const [row] = await this.#statements.insert(pet.name, pet.breed, this.#trait(pet), pet.is_test === true)
    this.#model.inserts.inc(1)
    return row!
  }

  async update(id: number, pet: PetInput, expected?: Pet): Promise<Pet | undefined> {
    const { update, updateExpected } = this.#statements
    const values = [pet.name, pet.breed, this.#trait(pet), pet.is_test ?? null, id] as const
    const [row] = await (expected ? updateExpected(...values, ...this.#values(expected)) : update(...values))
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
    const { limit, after = 0, before, filter } = query
    const { forward, backward } = this.#statements
    const ask = before === undefined ? forward : backward
    const [row] = await ask(known, this.#epoch(), before ?? after, limit, greatestId, ...filterValues(filter))
    return row!
  }

  #trait(pet: PetInput | Pet): boolean {
    return pet[this.#kind.trait] === true
  }

  #values(pet: Pet): [string, string, boolean, boolean] {
    return [pet.name, pet.breed, this.#trait(pet), pet.is_test]
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

function listingOf({ after = 0, before }: ListQuery, page: PageRow): Listing {
  const { version, json, first, last, is_prev: isPrev, is_next: isNext } = page
  return {
    version,
    json,
    next: isNext ? (last ?? before! - 1) : undefined,
    prev: isPrev ? (first ?? after + 1) : undefined,
  }
}

const filterValues = ({ name, breed, isTest, search }: Filter) =>
  [
    name ?? null,
    breed ?? null,
    isTest ?? null,
    search?.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) ?? null,
  ] as const
