/**
 * The one interface of the databases, as the routes use it. sqlite/ returns values at once, postgres/ returns promises.
 * The routes await both: Elysia awaits its handlers in any case, so SQLite pays no measurable price.
 */
import type { Registry } from '@bun-monitoring/metrics'
import type { Logger } from '@bun-monitoring/prefork'
import type { Pet, PetInput } from '../model/pet.ts'

/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>

/** A page of a list with its version. */
export interface Listing {
  /** Equal versions have equal rows, whichever process wrote in between. */
  version: string
  /** The rows by id, as a JSON array. */
  json: string
  /** The last id of the page, if there are rows beyond it (RFC 8288). */
  next: number | undefined
}

export interface Store {
  /** Up to `limit` pets with ids above `after`; `undefined` if no write followed the version `known`. */
  list(after: number, limit: number, known: string): Awaitable<Listing | undefined>
  find(id: number): Awaitable<Pet | undefined>
  insert(pet: PetInput): Awaitable<Pet>
  /** Sets name, breed and the trait; `is_test` stays as it is. */
  update(id: number, pet: PetInput): Awaitable<Pet | undefined>
  /** Whether there was a row with this id. */
  delete(id: number): Awaitable<boolean>
  /** Deletes every test row and returns their number. */
  deleteTests(): Awaitable<number>
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
