/**
 * Caches pages of the list as bytes. The store is asked on each request whether a write followed, so a list is never
 * stale, and costs little more than one row while there are no writes.
 */
import { columnsOf, type Kind, pathOf } from '../model/kind.ts'
import type { Awaitable, Listing, ListQuery, Store } from '../store/store.ts'
import { CSV, csvOf } from './csv.ts'
import { headersOf } from './fields.ts'
import { linkTo } from './query.ts'
import { JSON_HEADERS, Representation } from './representation.ts'

/** Pages kept at once. Clients choose the query, so there must be a bound. */
const MAX_PAGES = 64

const CSV_HEADERS = headersOf({ 'Content-Type': CSV })

interface Page {
  version: string
  representation: Representation
}

export class ListCache {
  readonly #kind: Kind
  readonly #store: Store
  readonly #pages = new Map<string, Page>()

  constructor(kind: Kind, store: Store) {
    this.#kind = kind
    this.#store = store
  }

  page(query: ListQuery, isCsv: boolean): Awaitable<Representation> {
    const key = keyOf(query, isCsv)
    const known = this.#pages.get(key)
    const listing = this.#store.list(query, known?.version ?? '')
    const keep = (later: Listing | undefined) => this.#keep(key, query, isCsv, known, later)
    // SQLite returns a value: awaiting it would cost 5 % more CPU.
    return listing instanceof Promise ? listing.then(keep) : keep(listing)
  }

  #keep(
    key: string,
    query: ListQuery,
    isCsv: boolean,
    known: Page | undefined,
    listing: Listing | undefined,
  ): Representation {
    if (!listing) return known!.representation
    const representation = this.#represent(query, isCsv, listing)
    if (this.#pages.size >= MAX_PAGES) this.#pages.clear()
    this.#pages.set(key, { version: listing.version, representation })
    return representation
  }

  #represent(query: ListQuery, isCsv: boolean, { json, next, prev }: Listing): Representation {
    const path = pathOf(this.#kind)
    const links = [
      ...(next === undefined ? [] : [`<${linkTo(path, query, 'after', next)}>; rel="next"`]),
      ...(prev === undefined ? [] : [`<${linkTo(path, query, 'before', prev)}>; rel="prev"`]),
    ]
    const fields = { Vary: 'Accept', ...(links.length === 0 ? {} : { Link: links.join(', ') }) }
    if (!isCsv) return new Representation(json, JSON_HEADERS, fields)
    return new Representation(csvOf(json, columnsOf(this.#kind)), CSV_HEADERS, fields)
  }
}

function keyOf({ after, before, limit, filter }: ListQuery, isCsv: boolean): string {
  const position = before === undefined ? `${limit}.${after}` : `${limit}.${after ?? ''}.${before}`
  const { equal = {}, isTest, search } = filter
  if (!isCsv && isTest === undefined && search === undefined && Object.keys(equal).length === 0)
    return position
  return JSON.stringify([position, isCsv, equal, isTest ?? null, search ?? null])
}
