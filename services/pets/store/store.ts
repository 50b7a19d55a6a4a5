/**
 * The one interface of the databases, as the routes use it. sqlite/ returns values at once, postgres/ returns promises.
 * The routes await both: Elysia awaits its handlers in any case, so SQLite pays no measurable price.
 */
import type { Registry } from '@bun-monitoring/metrics'
import type { Logger } from '@bun-monitoring/prefork'
import type { Pet, PetInput } from '../model/pet.ts'

/** How long a key of {@link Store.insertOnce} is kept. */
export const KEY_LIFE_MS = 24 * 3_600_000

/** Tells whether two pets are equal, for the calls with one key. */
export const fingerprintOf = (pet: PetInput): string =>
  new Bun.CryptoHasher('sha256').update(JSON.stringify(pet)).digest('base64url')

/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>

/** Conditions on the rows of a list; all that are given must hold. */
export interface Filter {
  /** The values that fields must have, by name. */
  equal?: Readonly<Record<string, string>> | undefined
  isTest?: boolean | undefined
  /** A part of one of the texts; ASCII letters match in either case. */
  search?: string | undefined
}

/**
 * A page: the first rows with ids above `after`, and below `before` if it is given, too; or the last rows with ids below
 * `before` alone.
 */
export interface ListQuery {
  limit: number
  after?: number
  before?: number
  filter: Filter
}

/** A page of a list with its version. */
export interface Listing {
  /** Equal versions have equal rows, whichever process wrote in between. */
  version: string
  /** The rows by id, as a JSON array. */
  json: string
  /** `after` of the next page, if there are more rows (RFC 8288). */
  next: number | undefined
  /** `before` of the previous page, if there are rows before this one. Pages between two ids have none. */
  prev: number | undefined
}

/** A page of a table that people browse: by number, in any order. */
export interface BrowseQuery {
  filter: Filter
  /** A property of a pet. */
  sort: string
  isDescending: boolean
  offset: number
  limit: number
}

export interface Store {
  /** One page; `undefined` if no write followed the version `known`. */
  list(query: ListQuery, known: string): Awaitable<Listing | undefined>
  /** One page of the rows that match, and the number of them all. */
  browse(query: BrowseQuery): Awaitable<{ pets: Pet[]; total: number }>
  find(id: number): Awaitable<Pet | undefined>
  /** @param pet with all fields */
  insert(pet: PetInput): Awaitable<Pet>
  /**
   * As {@link insert}, at most once for a key, which is kept in the same transaction for {@link KEY_LIFE_MS}.
   * @returns the pet that the first call with this key inserted; `undefined` if that was another pet.
   */
  insertOnce(pet: PetInput, key: string, nowMs: number): Awaitable<Pet | undefined>
  /**
   * Sets all fields, and `is_test` if it is given.
   * @param expected the row must be equal to this pet.
   * @returns `undefined` if there is no such row.
   */
  update(id: number, pet: PetInput, expected?: Pet): Awaitable<Pet | undefined>
  /** Whether there was a row with this id, equal to `expected` if it is given. */
  delete(id: number, expected?: Pet): Awaitable<boolean>
  /** Deletes every test row and returns their number. */
  deleteTests(): Awaitable<number>
  /** The reason why this process cannot serve although others may; else `undefined`. */
  readonly outage: string | undefined
  /** Publishes the numbers of rows and of migrations. */
  publish(): Awaitable<void>
  close(): void
}

export interface Database {
  /**
   * Applies the missing migrations.
   * @returns the names of the migrations that this call applied.
   */
  migrate(log: Logger): Awaitable<string[]>
  open(registry: Registry, log: Logger): Store
  /** Why no process can serve from it, as far as a process without a connection can tell. */
  notReady?(): string | undefined
}

/** The database cannot do it now: 503. The message is for the client, the cause for the log. */
export class Unavailable extends Error {
  override name = 'Unavailable'
  constructor(
    message: string,
    /** The value of `error_type` in the metrics. */
    readonly code: string,
    cause?: unknown,
  ) {
    super(message, { cause })
  }
}
