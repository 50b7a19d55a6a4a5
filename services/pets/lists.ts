/**
 * Lists as bytes, ready to send. A page is built once and served for as long as the store says that nothing changed, so a
 * list costs little more than one row while nobody writes, and is never stale: the store is asked each time.
 */
import { Entity } from './entity.ts'
import type { Awaitable, Listing, Store } from './store.ts'

/** Pages kept at once. Clients choose `after` and `limit`, so there must be a bound. */
const MAX_PAGES = 64

interface Page {
  version: string
  entity: Entity
}

export class Lists {
  readonly #store: Store
  readonly #path: string
  readonly #pages = new Map<string, Page>()

  constructor(store: Store, path: string) {
    this.#store = store
    this.#path = path
  }

  page(after: number, limit: number): Awaitable<Entity> {
    const key = `${after}.${limit}`
    const known = this.#pages.get(key)
    const listing = this.#store.list(after, limit, known?.version ?? '')
    // Not awaited: what is there at once, SQLite's, would cost a twentieth more.
    if (listing instanceof Promise) return listing.then((later) => this.#kept(key, limit, known, later))
    return this.#kept(key, limit, known, listing)
  }

  #kept(key: string, limit: number, known: Page | undefined, listing: Listing | undefined): Entity {
    if (!listing) return known!.entity
    const entity = this.#entity(listing, limit)
    if (this.#pages.size >= MAX_PAGES) this.#pages.clear()
    this.#pages.set(key, { version: listing.version, entity })
    return entity
  }

  #entity({ json, next }: Listing, limit: number): Entity {
    if (next === undefined) return new Entity(json)
    return new Entity(json, { Link: `<${this.#path}?limit=${limit}&after=${next}>; rel="next"` })
  }
}
