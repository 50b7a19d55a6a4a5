/** Reads the query of a list strictly: a wrong value, or one that is given twice, is refused by its name. */
import { MAX_CHARACTERS, typeOf } from '../model/field_types.ts'
import { filtersOf, type Kind } from '../model/kind.ts'
import type { Filter, ListQuery } from '../store/store.ts'
import { type FieldError, invalid } from './errors.ts'

const DEFAULT_LIMIT = 100
export const MAX_LIMIT = 1000
const MAX_ID = Number.MAX_SAFE_INTEGER

/** The query of a list without parameters. */
const WHOLE_LIST: ListQuery = Object.freeze({ limit: DEFAULT_LIMIT, after: 0, filter: Object.freeze({}) })

/** The parameters of a URL, decoded; `undefined` for a value that cannot be decoded or is given twice. */
export function parametersOf(url: string): Map<string, string | undefined> {
  const start = url.indexOf('?')
  const parameters = new Map<string, string | undefined>()
  if (start === -1) return parameters
  for (const pair of url.slice(start + 1).split('&')) {
    const at = pair.indexOf('=')
    const name = decode(at === -1 ? pair : pair.slice(0, at))
    if (name === undefined || name === '') continue
    parameters.set(name, parameters.has(name) ? undefined : decode(at === -1 ? '' : pair.slice(at + 1)))
  }
  return parameters
}

/** @throws HttpError 422 that lists each wrong value. */
export function readListQuery(kind: Kind, url: string): ListQuery {
  const parameters = parametersOf(url)
  if (parameters.size === 0) return WHOLE_LIST
  const errors: FieldError[] = []
  const read = <T>(field: string, parse: (text: string) => T | undefined, rule: string): T | undefined => {
    if (!parameters.has(field)) return undefined
    const text = parameters.get(field)
    const value = text === undefined ? undefined : parse(text)
    if (value === undefined) errors.push({ field, message: rule })
    return value
  }
  const limit = read('limit', integer(1, MAX_LIMIT), `must be an integer from 1 to ${MAX_LIMIT}`)
  const after = read('after', integer(0, MAX_ID), 'must be an id')
  const before = read('before', integer(0, MAX_ID), 'must be an id')
  const equal = Object.fromEntries(
    filtersOf(kind).flatMap((name) => {
      const field = kind.fields[name]!
      const { takes, rule } = typeOf(field)
      const readOne = (text: string) => (takes(field, text) ? text : undefined)
      const value = read(name, readOne, rule(field).replace(/^must be a /, 'must be one '))
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const filter: Filter = {
    equal,
    isTest: read('is_test', readFlag, 'must be true or false'),
    search: read('search', readText, `must be one string of 1 to ${MAX_CHARACTERS} characters without NUL`),
  }
  if (errors.length > 0) throw invalid(errors)
  // `before` alone means the last rows before it.
  const position = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
  return { limit: limit ?? DEFAULT_LIMIT, ...(before === undefined ? { after: 0 } : {}), ...position, filter }
}

/** An id from a path; `undefined` if no row can have such an id. */
export const readId = (text: string): number | undefined => integer(0, MAX_ID)(text)

/** The link to another page of the same list: the path with its query. A page after another keeps its upper end. */
export function linkTo(path: string, query: ListQuery, position: 'after' | 'before', id: number) {
  const { limit, filter, after, before } = query
  const end = position === 'after' && after !== undefined && before !== undefined ? `&before=${before}` : ''
  const { equal, isTest, search } = filter
  const parameters = Object.entries({ ...equal, is_test: isTest, search })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `&${key}=${encodeURIComponent(String(value))}`)
  return `${path}?limit=${limit}&${position}=${id}${end}${parameters.join('')}`
}

const integer =
  (minimum: number, maximum: number) =>
  (text: string): number | undefined => {
    if (!/^[0-9]{1,16}$/.test(text)) return undefined
    const value = Number(text)
    return minimum <= value && value <= maximum ? value : undefined
  }

function readText(text: string): string | undefined {
  const isAllowed = text !== '' && [...text].length <= MAX_CHARACTERS && !text.includes('\0')
  return isAllowed ? text : undefined
}

const readFlag = (text: string): boolean | undefined => ({ true: true, false: false })[text]

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
