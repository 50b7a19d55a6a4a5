/**
 * The HTTP API of one kind: a table of routes over the store. The trailing slash is optional, because Elysia's paths are
 * loose by default. Any other method on a path is 405 with `Allow`.
 */
import type { RequestTally } from '@bun-monitoring/prefork'
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { type Kind, pathOf } from '../model/kind.ts'
import { changeSchema, createSchema, petInput } from '../model/pet.ts'
import type { Store } from '../store/store.ts'
import { type BodyLimits, readJsonObject } from './body.ts'
import { describeRoutes } from './descriptions.ts'
import { HttpError, invalid } from './errors.ts'
import { ListCache } from './list_cache.ts'
import { listQuery, readId, readListQuery } from './query.ts'
import { Representation } from './representation.ts'

export function petRoutes(kind: Kind, store: Store, tally: RequestTally, limits: BodyLimits) {
  const collection = pathOf(kind)
  const item = `${collection}:id/` as const
  const clean = `${collection}clean/` as const
  const lists = new ListCache(store, collection)
  const { list, create, removeTests, read, change, remove, cleanUp } = describeRoutes(kind)

  const parse = ({ request }: { request: Request }) => readJsonObject(request, limits)
  const only = (allow: string) => () => {
    throw new HttpError(405, `Only ${allow} can be used here`, { Allow: allow })
  }
  const missing = (idText: string) => new HttpError(404, `There is no ${collection}${idText}/`)
  /** @throws HttpError 404 for a path such as `abc` that no row can have. */
  const idOf = (idText: string): number => {
    const id = readId(idText)
    if (id === undefined) throw missing(idText)
    return id
  }

  return (
    new Elysia({ name: kind.name, normalize: false })
      .get(
        collection,
        async ({ request, query }) => {
          const { limit, after } = readListQuery(query)
          return (await lists.page(after, limit)).respond(request, tally)
        },
        { query: listQuery, detail: list },
      )
      .post(
        collection,
        async ({ body }) => {
          const pet = await store.insert(petInput(kind, body))
          return json(tally, pet, { status: 201, headers: { Location: `${collection}${pet.id}/` } })
        },
        { parse, body: createSchema(kind), detail: create },
      )
      .delete(
        collection,
        async ({ query }) => {
          if (query.is_test !== 'true') throw invalid([{ field: 'is_test', message: 'must be true' }])
          await store.deleteTests()
          return empty()
        },
        { query: Type.Object({ is_test: Type.Optional(Type.String()) }), detail: removeTests },
      )
      .all(collection, only('GET, HEAD, POST, DELETE'), { detail: { hide: true } })

      // HEAD has a route of its own: Elysia would run the handler of GET, which deletes here.
      .get(
        clean,
        async () => {
          await store.deleteTests()
          return empty()
        },
        { detail: cleanUp },
      )
      .head(clean, only('GET'), { detail: { hide: true } })
      .all(clean, only('GET'), { detail: { hide: true } })

      .get(
        item,
        async ({ request, params }) => {
          const pet = await store.find(idOf(params.id))
          if (!pet) throw missing(params.id)
          return new Representation(JSON.stringify(pet)).respond(request, tally)
        },
        { detail: read },
      )
      .put(
        item,
        async ({ params, body }) => {
          const pet = await store.update(idOf(params.id), petInput(kind, body))
          if (!pet) throw missing(params.id)
          return json(tally, pet)
        },
        { parse, body: changeSchema(kind), detail: change },
      )
      .delete(
        item,
        async ({ params }) => {
          if (!(await store.delete(idOf(params.id)))) throw missing(params.id)
          return empty()
        },
        { detail: remove },
      )
      .all(
        item,
        ({ params }) => {
          idOf(params.id)
          return only('GET, HEAD, PUT, DELETE')()
        },
        { detail: { hide: true } },
      )
  )
}

/** 200 without a body, as in the original. */
const empty = (): Response => new Response(null, { status: 200 })

function json(tally: RequestTally, content: unknown, init: ResponseInit = {}): Response {
  const text = JSON.stringify(content)
  tally.sentBytes += Buffer.byteLength(text)
  return new Response(text, { ...init, headers: { 'Content-Type': 'application/json', ...init.headers } })
}
