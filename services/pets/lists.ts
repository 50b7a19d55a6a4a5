/**
 * Lists as bytes, ready to send. A page is built once and served until the store's version changes, so a list costs no
 * more than one row while nobody writes. The version is read before the rows: a commit in between makes the bytes newer
 * than their version, and the next request builds them again; they are never older.
 */
import { Entity } from './entity.ts'
import type { Store } from './store.ts'

/** Pages kept at once. Clients choose `after` and `limit`, so there must be a bound. */
const MAX_PAGES = 64

export class Lists {
  readonly #store: Store
  readonly #path: string
  readonly #pages = new Map<string, Entity>()
  #version = ''

  constructor(store: Store, path: string) {
    this.#store = store
    this.#path = path
  }

  page(after: number, limit: number): Entity {
    const version = this.#store.version()
    if (version !== this.#version) {
      this.#pages.clear()
      this.#version = version
    }
    const key = `${after}.${limit}`
    let page = this.#pages.get(key)
    if (!page) {
      page = this.#build(after, limit)
      if (this.#pages.size >= MAX_PAGES) this.#pages.clear()
      this.#pages.set(key, page)
    }
    return page
  }

  /** Reads one row more than asked for, to know whether there is a next page (RFC 8288). */
  #build(after: number, limit: number): Entity {
    const pets = this.#store.list(after, limit + 1)
    if (pets.length <= limit) return new Entity(pets)
    const shown = pets.slice(0, limit)
    return new Entity(shown, { Link: `<${this.#path}?limit=${limit}&after=${shown.at(-1)!.id}>; rel="next"` })
  }
}
