/**
 * What routes ask of the place where pets are kept. There are two: sqlite/ answers at once, postgres/ later. Routes await
 * both alike; Elysia awaits handlers in any case, so SQLite pays nothing for it that can be measured.
 */
import type { Pet, PetInput } from './model.ts'

/** A value that is there already, or will be. */
export type Awaitable<T> = T | Promise<T>

/** A page of a list, and what it was made from. */
export interface Listing {
  /** Equal versions have equal rows, whoever wrote meanwhile. */
  version: string
  /** The rows by id, as a JSON array. */
  json: string
  /** The last id of the page, where there are rows beyond it (RFC 8288). */
  next: number | undefined
}

export interface Store {
  /** Up to `limit` pets with ids above `after`; `undefined` where nothing was written since the version `known`. */
  list(after: number, limit: number, known: string): Awaitable<Listing | undefined>
  find(id: number): Awaitable<Pet | undefined>
  insert(pet: PetInput): Awaitable<Pet>
  /** Sets name, breed and the trait; `is_test` stays as it is. */
  update(id: number, pet: PetInput): Awaitable<Pet | undefined>
  /** Whether there was one. */
  delete(id: number): Awaitable<boolean>
  /** Deletes every test row and says how many there were. */
  deleteTests(): Awaitable<number>
  /** Publishes how many rows and migrations there are. */
  publish(): Awaitable<void>
  close(): void
}

/** The database cannot do it now: 503. The message is for the client, the cause for the log. */
export class Unavailable extends Error {
  override name = 'Unavailable'
  constructor(
    message: string,
    /** What metrics call it. */
    readonly code: string,
    cause?: unknown,
  ) {
    super(message, { cause })
  }
}
