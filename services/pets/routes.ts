/**
 * The HTTP API of one kind: a table of routes over the store. The trailing slash is optional, as Elysia's loose paths
 * have it. Whatever else a path is asked for is 405 with `Allow`.
 */
import type { RequestTally } from '@bun-monitoring/prefork'
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { type BodyLimits, readJsonObject } from './body.ts'
import { describeRoutes } from './descriptions.ts'
import { Entity } from './entity.ts'
import { HttpError, invalid } from './errors.ts'
import { type Kind, pathOf } from './kind.ts'
import { Lists } from './lists.ts'
import { changeSchema, createSchema, type PetInput } from './model.ts'
import { listQuery, readId, readListQuery } from './query.ts'
import type { Store } from './store.ts'

export function petRoutes(kind: Kind, store: Store, tally: RequestTally, limits: BodyLimits) {
  const collection = pathOf(kind)
  const item = `${collection}:id/` as const
  const clean = `${collection}clean/` as const
  const lists = new Lists(store, collection)
  const { list, create, removeTests, read, change, remove, cleanUp } = describeRoutes(kind)

  const parse = ({ request }: { request: Request }) => readJsonObject(request, limits)
  const only = (allow: string) => () => {
    throw new HttpError(405, `Only ${allow} can be used here`, { Allow: allow })
  }
  /** Runs what needs an existing row; a path that names none is 404, be it `abc` or the id of nobody. */
  const withRow = <T>(idText: string, act: (id: number) => T | undefined): T => {
    const id = readId(idText)
    const result = id === undefined ? undefined : act(id)
    if (result === undefined) throw new HttpError(404, `There is no ${collection}${idText}/`)
    return result
  }

  return (
    new Elysia({ name: kind.name, normalize: false })
      .get(
        collection,
        ({ request, query }) => {
          const { limit, after } = readListQuery(query)
          return lists.page(after, limit).answer(request, tally)
        },
        { query: listQuery, detail: list },
      )
      .post(
        collection,
        ({ body }) => {
          const pet = store.insert(body as PetInput)
          return json(tally, pet, { status: 201, headers: { Location: `${collection}${pet.id}/` } })
        },
        { parse, body: createSchema(kind), detail: create },
      )
      .delete(
        collection,
        ({ query }) => {
          if (query.is_test !== 'true') throw invalid([{ field: 'is_test', message: 'must be true' }])
          store.deleteTests()
          return empty()
        },
        { query: Type.Object({ is_test: Type.Optional(Type.String()) }), detail: removeTests },
      )
      .all(collection, only('GET, HEAD, POST, DELETE'), { detail: { hide: true } })

      // HEAD is spelled out: Elysia would answer it with GET, and this GET deletes.
      .get(
        clean,
        () => {
          store.deleteTests()
          return empty()
        },
        { detail: cleanUp },
      )
      .head(clean, only('GET'), { detail: { hide: true } })
      .all(clean, only('GET'), { detail: { hide: true } })

      .get(
        item,
        ({ request, params }) => {
          return new Entity(withRow(params.id, (id) => store.find(id))).answer(request, tally)
        },
        { detail: read },
      )
      .put(
        item,
        ({ params, body }) => {
          return json(
            tally,
            withRow(params.id, (id) => store.update(id, body as PetInput)),
          )
        },
        { parse, body: changeSchema(kind), detail: change },
      )
      .delete(
        item,
        ({ params }) => {
          withRow(params.id, (id) => store.delete(id) || undefined)
          return empty()
        },
        { detail: remove },
      )
      .all(
        item,
        ({ params }) => {
          withRow(params.id, (id) => id)
          return only('GET, HEAD, PUT, DELETE')()
        },
        { detail: { hide: true } },
      )
  )
}

/** 200 without a body, as the original answers. */
const empty = (): Response => new Response(null, { status: 200 })

function json(tally: RequestTally, content: unknown, init: ResponseInit = {}): Response {
  const text = JSON.stringify(content)
  tally.sentBytes += Buffer.byteLength(text)
  return new Response(text, { ...init, headers: { 'Content-Type': 'application/json', ...init.headers } })
}
