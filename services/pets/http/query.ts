/** Reads the query of a list strictly: a wrong value is refused by its name. */
import { Type } from '@sinclair/typebox'
import { invalid } from './errors.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

const digits = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.String({ description, 'x-integer': { minimum, maximum } }))

/** The query of a list. Values stay strings here: Elysia's numbers would also take `1e2` and `0x10`. */
export const listQuery = Type.Object({
  limit: digits(1, MAX_LIMIT, `largest number of rows; ${DEFAULT_LIMIT} if absent`),
  after: digits(0, Number.MAX_SAFE_INTEGER, 'only rows with a greater id'),
})

/** @throws HttpError 422 that names each bad value. */
export function readListQuery(query: { limit?: unknown; after?: unknown }): { limit: number; after: number } {
  const limit = integer(query.limit, DEFAULT_LIMIT, 1, MAX_LIMIT)
  const after = integer(query.after, 0, 0, Number.MAX_SAFE_INTEGER)
  if (limit !== undefined && after !== undefined) return { limit, after }
  throw invalid([
    ...(limit === undefined
      ? [{ field: 'limit', message: `must be an integer from 1 to ${MAX_LIMIT}` }]
      : []),
    ...(after === undefined ? [{ field: 'after', message: 'must be an id' }] : []),
  ])
}

/** An id from a path; `undefined` if no row can have such an id. */
export const readId = (text: string): number | undefined =>
  integer(text, undefined, 0, Number.MAX_SAFE_INTEGER)

function integer<T>(text: unknown, absent: T, minimum: number, maximum: number): number | T | undefined {
  if (text === undefined) return absent
  if (typeof text !== 'string' || !/^[0-9]{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return minimum <= value && value <= maximum ? value : undefined
}
