/**
 * Caches pages of the list as bytes. The store is asked on each request whether a write followed, so a list is never
 * stale, and costs little more than one row while there are no writes.
 */
import type { Awaitable, Listing, Store } from '../store/store.ts'
import { Representation } from './representation.ts'

/** Pages kept at once. Clients choose `after` and `limit`, so there must be a bound. */
const MAX_PAGES = 64

interface Page {
  version: string
  representation: Representation
}

export class ListCache {
  readonly #store: Store
  readonly #path: string
  readonly #pages = new Map<string, Page>()

  constructor(store: Store, path: string) {
    this.#store = store
    this.#path = path
  }

  page(after: number, limit: number): Awaitable<Representation> {
    const key = `${after}.${limit}`
    const known = this.#pages.get(key)
    const listing = this.#store.list(after, limit, known?.version ?? '')
    // SQLite returns a value: awaiting it would cost 5 % more CPU.
    if (listing instanceof Promise) return listing.then((later) => this.#keep(key, limit, known, later))
    return this.#keep(key, limit, known, listing)
  }

  #keep(key: string, limit: number, known: Page | undefined, listing: Listing | undefined): Representation {
    if (!listing) return known!.representation
    const representation = this.#represent(listing, limit)
    if (this.#pages.size >= MAX_PAGES) this.#pages.clear()
    this.#pages.set(key, { version: listing.version, representation })
    return representation
  }

  #represent({ json, next }: Listing, limit: number): Representation {
    if (next === undefined) return new Representation(json)
    return new Representation(json, { Link: `<${this.#path}?limit=${limit}&after=${next}>; rel="next"` })
  }
}
