/**
 * The HTTP API of one kind: a table of routes over the store. The trailing slash is optional, because Elysia's paths are
 * loose by default. Any other method on a path is 405 with `Allow`.
 */
import type { RequestTally } from '@bun-monitoring/prefork'
import { Elysia } from 'elysia'
import { type Kind, pathOf } from '../model/kind.ts'
import {
  changeSchema,
  createSchema,
  patched,
  patchSchema,
  type Pet,
  type PetInput,
  petInput,
} from '../model/pet.ts'
import type { Awaitable, Store } from '../store/store.ts'
import { type BodyLimits, readJsonObject } from './body.ts'
import { prefersCsv } from './csv.ts'
import { pathnameOf } from './edge.ts'
import { HttpError, invalid } from './errors.ts'
import { ListCache } from './list_cache.ts'
import { requireOwnOrigin } from './origin.ts'
import { hasPreconditions, isNotModified } from './preconditions.ts'
import type { PublicPathOf } from './public_path.ts'
import { parametersOf, readId, readListQuery } from './query.ts'
import { etagOf, JSON_HEADERS, type Representation, respondOnce } from './representation.ts'

const ALLOWED_KEY = /^[\x21-\x7e]{1,255}$/

export function petRoutes(
  kind: Kind,
  store: Store,
  tally: RequestTally,
  limits: BodyLimits,
  publicPath: PublicPathOf,
) {
  const collection = pathOf(kind)
  const item = `${collection}:id/` as const
  const clean = `${collection}clean/` as const
  const lists = new ListCache(kind, store)

  const parse = ({ request }: { request: Request }) => readJsonObject(request, limits)
  const only = (allow: string) => () => {
    throw new HttpError(405, `Only ${allow} can be used here`, { Allow: allow })
  }
  const missing = (idText: string) => new HttpError(404, `There is no ${collection}${idText}/`)
  /** @throws HttpError 404 for a path such as `abc` that no row can have. */
  const idOf = (request: Request, idText: string | null): number => {
    const id = idText === null ? undefined : readId(idText)
    // Elysia has null for a segment that cannot be decoded.
    if (id === undefined) throw missing(idText ?? lastSegmentOf(request.url))
    return id
  }

  /**
   * Changes a row under the preconditions of the request. `change` gets the row if the change depends on it, and must
   * change that very row; if another change came first, the preconditions are evaluated anew.
   * @throws HttpError 404 or 412
   */
  const change = async <T>(
    request: Request,
    idText: string,
    needsRow: boolean,
    act: (id: number, current: Pet | undefined) => Awaitable<T | undefined>,
  ): Promise<T> => {
    const id = idOf(request, idText)
    const isConditional = hasPreconditions(request.headers)
    for (;;) {
      const current = isConditional || needsRow ? await store.find(id) : undefined
      if (!current && (isConditional || needsRow)) throw missing(idText)
      if (current) isNotModified(request, etagOf(JSON.stringify(current)))
      const result = await act(id, current)
      if (result !== undefined) return result
      if (!current) throw missing(idText)
    }
  }

  const list = async (request: Request, url: string): Promise<Representation> =>
    lists.page(readListQuery(kind, url), prefersCsv(request.headers.get('accept')))
  /** The preconditions of a write to the collection hold for its first page. */
  const checkList = async (request: Request): Promise<void> => {
    if (hasPreconditions(request.headers)) isNotModified(request, (await list(request, '')).etag)
  }

  const insert = async (request: Request, pet: PetInput): Promise<Pet> => {
    const key = request.headers.get('idempotency-key')
    if (key === null) return store.insert(pet)
    if (!ALLOWED_KEY.test(key)) {
      throw new HttpError(400, 'Idempotency-Key must have 1 to 255 visible ASCII characters')
    }
    const inserted = await store.insertOnce(pet, key, Date.now())
    if (inserted) return inserted
    throw new HttpError(422, 'Idempotency-Key was used for another body: send a new key')
  }

  const readList = async ({ request }: { request: Request }) =>
    (await list(request, request.url)).respond(request, tally, publicPath)
  const readOne = async ({ request, params }: { request: Request; params: { id: string } }) => {
    const pet = await store.find(idOf(request, params.id))
    if (!pet) throw missing(params.id)
    return respondOnce(JSON.stringify(pet), request, tally)
  }

  return (
    new Elysia({ name: kind.name, normalize: false })
      .get(collection, readList)
      .post(
        collection,
        async ({ request, body }) => {
          await checkList(request)
          const pet = await insert(request, petInput(kind, body))
          const response = json(tally, pet, 201)
          response.headers.set('Location', `${publicPath(request)}${collection}${pet.id}/`)
          return response
        },
        { parse, body: createSchema(kind) },
      )
      .delete(collection, async ({ request }) => {
        if (parametersOf(request.url).get('is_test') !== 'true') {
          throw invalid([{ field: 'is_test', message: 'must be true' }])
        }
        await checkList(request)
        await store.deleteTests()
        return empty()
      })
      .all(collection, only('GET, HEAD, POST, DELETE'))

      .get(clean, async ({ request }) => {
        // An image on a page of another origin must not delete.
        requireOwnOrigin(request.headers)
        await store.deleteTests()
        return empty()
      })
      // HEAD must not delete.
      .head(clean, empty)
      .all(clean, only('GET, HEAD'))

      .get(item, readOne)
      .put(
        item,
        async ({ request, params, body }) =>
          json(
            tally,
            await change(request, params.id, false, (id, current) =>
              store.update(id, petInput(kind, body, false), current),
            ),
          ),
        { parse, body: changeSchema(kind) },
      )
      .patch(
        item,
        async ({ request, params, body }) =>
          json(
            tally,
            await change(request, params.id, true, (id, current) =>
              store.update(id, patched(kind, current!, body), current),
            ),
          ),
        { parse, body: patchSchema(kind) },
      )
      .delete(item, async ({ request, params }) => {
        await change(
          request,
          params.id,
          false,
          async (id, current) => (await store.delete(id, current)) || undefined,
        )
        return empty()
      })
      .all(item, ({ request, params }) => {
        idOf(request, params.id)
        return only('GET, HEAD, PUT, PATCH, DELETE')()
      })
  )
}

/** 200 without a body, as in the original. */
const empty = (): Response => new Response(null, { status: 200 })

function json(tally: RequestTally, pet: Pet, status = 200): Response {
  const text = JSON.stringify(pet)
  tally.sentBytes += Buffer.byteLength(text)
  return new Response(text, { status, headers: JSON_HEADERS })
}

const lastSegmentOf = (url: string): string =>
  pathnameOf(url)
    .split('/')
    .findLast((segment) => segment !== '')!
