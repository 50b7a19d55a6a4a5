/**
 * What is wrong with a parsed gateway.toml, one line for each problem, named by its key path
 * (`route[1].upstream`): TOML values carry no line numbers in Bun. All problems are found at once, so the second
 * check takes a document of any shape.
 */
import { UNMATCHED } from '@bun-monitoring/metrics'
import { allowed } from '@bun-monitoring/prefork/config'
import type { TSchema } from '@sinclair/typebox'
import { Value, type ValueError, ValueErrorType } from '@sinclair/typebox/value'
import { PAGE } from './routes.ts'

type Table = Record<string, unknown>

/** Keys that are missing, unknown or hold what they may not. A schema's description says what it allows. */
export function shapeProblems(schema: TSchema, document: unknown): string[] {
  // TypeBox reports one place several times, most telling first.
  const first = new Map<string, ValueError>()
  for (const error of Value.Errors(schema, document)) if (!first.has(error.path)) first.set(error.path, error)
  return [...first.values()].map(describe)
}

/** Names that are taken, and names of nothing. */
export function referenceProblems(document: unknown): string[] {
  const upstreams = tables(document, 'upstream')
  const routes = tables(document, 'route')
  const known = upstreams.map((upstream) => upstream.name)
  return [
    ...taken('upstream', upstreams, 'name', []),
    ...taken('route', routes, 'id', [
      [PAGE, "the gateway's own page"],
      [UNMATCHED, 'requests that no route takes'],
    ]),
    ...taken('route', routes, 'path', []),
    ...routes.flatMap(({ upstream }, i) =>
      typeof upstream === 'string' && !known.includes(upstream)
        ? [
            `route[${i}].upstream: no upstream is named ${JSON.stringify(upstream)}; known: ${known.join(', ')}`,
          ]
        : [],
    ),
  ]
}

function describe({ type, path, value, schema }: ValueError): string {
  const key = path
    .slice(1)
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
  switch (type) {
    case ValueErrorType.ObjectAdditionalProperties:
      return `${key}: there is no such key; known: ${Object.keys(schema.properties).join(', ')}`
    case ValueErrorType.ObjectRequiredProperty:
      return `${key}: is missing: must be ${schema.description}`
    default: {
      const must = schema.type === 'integer' ? allowed(schema) : schema.description
      return `${key}: ${JSON.stringify(value)} is not allowed: must be ${must}`
    }
  }
}

function taken(list: string, items: Table[], key: string, reserved: [string, string][]): string[] {
  const owners = new Map<unknown, string>(reserved)
  return items.flatMap((item, i) => {
    const value = item[key]
    const owner = owners.get(value)
    if (value === undefined) return []
    if (owner === undefined) owners.set(value, `${list}[${i}]`)
    return owner === undefined ? [] : [`${list}[${i}].${key}: ${JSON.stringify(value)} is taken by ${owner}`]
  })
}

/** The tables of `[[key]]`, whatever else the document holds in their place. */
function tables(document: unknown, key: string): Table[] {
  const list = (document as Table)[key]
  return Array.isArray(list) ? list.map((item) => Object(item)) : []
}
