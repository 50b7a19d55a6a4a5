/**
 * Finds the problems of a parsed gateway.toml: one line each, with the key path (`route[1].upstream`), as Bun's TOML
 * parser gives no line numbers. Both checks report all problems at once, so the second one accepts any document.
 */
import { AddressList } from '@bun-monitoring/prefork'
import { UNMATCHED } from '@bun-monitoring/metrics'
import { allowed } from '@bun-monitoring/prefork/config'
import type { TSchema } from '@sinclair/typebox'
import { Value, type ValueError, ValueErrorType } from '@sinclair/typebox/value'
import { isTarget, LISTEN, parseListen, TARGET } from './address.ts'
import { HOST, hostPattern } from './hosts.ts'

type Table = Record<string, unknown>

/** The route id of the gateway's own page. */
export const PAGE = 'page'

export const ROUTES = 'at least one [[route]] table'
export const NETWORK = 'an address, a network like 10.0.0.0/8, or unix:'

/** Missing keys, unknown keys and wrong values. The description in the schema says what is allowed. */
export function shapeProblems(schema: TSchema, document: unknown): string[] {
  // TypeBox reports a place several times, the most precise error first.
  const first = new Map<string, ValueError>()
  for (const error of Value.Errors(schema, document)) if (!first.has(error.path)) first.set(error.path, error)
  return [...first.values()].map(describe)
}

/** Duplicate names, unknown names, and keys that exclude each other. */
export function referenceProblems(document: unknown): string[] {
  const upstreams = tables(document, 'upstream')
  const routes = tables(document, 'route')
  const known = upstreams.map((upstream) => upstream.name)
  return [
    ...missingRoutes(document),
    ...taken('upstream', upstreams, 'name', []),
    ...taken('route', routes, 'id', [
      [PAGE, "the gateway's own page"],
      [UNMATCHED, 'requests that no route takes'],
    ]),
    ...routes.flatMap((_, i) => routeProblems(routes, i, known)),
    ...upstreams.flatMap((upstream, i) =>
      textProblems(upstream, 'targets', `upstream[${i}].targets`, isTarget, TARGET),
    ),
    ...tables(document, 'listen').flatMap((listen, i) => listenProblems(listen, `listen[${i}]`)),
    ...taken('listen', tables(document, 'listen'), 'address', []),
    ...textProblems(document, 'trusted_proxies', 'trusted_proxies', isPeer, NETWORK),
  ]
}

/** Only a file whose clients are all redirected needs no route. */
function missingRoutes(document: unknown): string[] {
  const { route } = Object(document)
  const isEmpty = Array.isArray(route) && route.length === 0
  const redirects = tables(document, 'listen').some((listen) => listen.redirect !== undefined)
  return isEmpty && !redirects ? [`route: is missing: must be ${ROUTES}`] : []
}

function listenProblems({ address, tls, redirect, response_headers }: Table, key: string): string[] {
  const isRight = typeof address !== 'string' || parseListen(address) !== undefined
  return [
    ...(isRight ? [] : [`${key}.address: ${JSON.stringify(address)} is not allowed: must be ${LISTEN}`]),
    ...(response_headers !== undefined && redirect === undefined
      ? [`${key}.response_headers: is for listeners with redirect`]
      : headerProblems(response_headers, `${key}.response_headers`, [])),
    ...list(Object(tls), 'sni').flatMap((each, i) =>
      textProblems(Object(each), 'hosts', `${key}.tls.sni[${i}].hosts`, isHost, HOST),
    ),
  ]
}

/** The strings of a list that are not allowed. */
const textProblems = (
  table: unknown,
  name: string,
  key: string,
  isRight: (text: string) => boolean,
  must: string,
): string[] =>
  list(table, name).flatMap((entry, i) =>
    typeof entry === 'string' && !isRight(entry)
      ? [`${key}[${i}]: ${JSON.stringify(entry)} is not allowed: must be ${must}`]
      : [],
  )

function routeProblems(routes: Table[], i: number, known: unknown[]): string[] {
  const route = routes[i]!
  const problems = overlap(routes, i).concat(
    actionProblems(route, `route[${i}]`),
    textProblems({ host: [route.host] }, 'host', `route[${i}].host`, isHost, HOST).map((problem) =>
      problem.replace('host[0]', 'host'),
    ),
    textProblems(route, 'allow', `route[${i}].allow`, isPeer, NETWORK),
    textProblems(route, 'deny', `route[${i}].deny`, isPeer, NETWORK),
    headerProblems(route.request_headers, `route[${i}].request_headers`, ['host']),
    headerProblems(route.response_headers, `route[${i}].response_headers`, []),
    textProblems(route, 'hosts', `route[${i}].hosts`, isHost, HOST),
  )
  if (route.host !== undefined && route.hosts !== undefined)
    problems.push(`route[${i}]: host and hosts exclude each other`)
  const { upstream } = route
  if (typeof upstream === 'string' && !known.includes(upstream)) {
    const names = known.join(', ')
    problems.push(`route[${i}].upstream: no upstream is named ${JSON.stringify(upstream)}; known: ${names}`)
  }
  return problems
}

/** Keys that only a route with an upstream can have. */
const FORWARD_KEYS = ['encoded_slashes', 'request_headers', 'retries', 'retry_on', 'timeouts']

/** Fields that the gateway writes itself: framing, hop-by-hop fields, ids. */
const OWN_FIELDS = new Set([
  'connection',
  'content-length',
  'date',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'traceparent',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-request-id',
])
const NAME = /^[\w!#$%&'*+\-.^`|~]+$/

/** Names of fields that cannot be changed. `settable` may be set, but not removed. */
function headerProblems(headers: unknown, key: string, settable: string[]): string[] {
  const { set, add, remove } = Object(headers)
  const names = [
    ...Object.keys(Object(set)).map((name) => ['set', name] as const),
    ...Object.keys(Object(add)).map((name) => ['add', name] as const),
    ...list(Object(headers), 'remove').map((name) => ['remove', String(name)] as const),
  ]
  return [add, remove, set].some((each) => typeof each === 'string')
    ? []
    : names.flatMap(([action, name]) => {
        const own = OWN_FIELDS.has(name.toLowerCase())
        if (NAME.test(name) && (!own || (action === 'set' && settable.includes(name.toLowerCase()))))
          return []
        return [
          `${key}.${action}: ${JSON.stringify(name)} is ${own ? 'written by the gateway' : 'not a field name'}`,
        ]
      })
}

/** A route has exactly one action, and changes the path only if it forwards. */
function actionProblems(route: Table, key: string): string[] {
  const actions = ['upstream', 'respond', 'redirect'].filter((name) => route[name] !== undefined)
  const changes = ['strip', 'rewrite'].filter((name) => route[name] !== undefined && route[name] !== false)
  return [
    ...(actions.length === 1
      ? []
      : [`${key}: must have one of upstream, respond, redirect; has ${actions.join(', ') || 'none'}`]),
    ...(hasForbiddenBody(route.respond)
      ? [`${key}.respond.body: a response with this status has no body`]
      : []),
    ...(changes.length > 0 && route.encoded_slashes === 'pass'
      ? [`${key}.encoded_slashes: "pass" and ${changes[0]} exclude each other`]
      : []),
    ...FORWARD_KEYS.flatMap((name) =>
      route[name] !== undefined && route.upstream === undefined
        ? [`${key}.${name}: is for routes with an upstream`]
        : [],
    ),
    ...(changes.length > 1 ? [`${key}: strip and rewrite do not go together`] : []),
    ...(changes.length > 0 && route.upstream === undefined
      ? [`${key}.${changes[0]}: is for routes with an upstream`]
      : []),
  ]
}

/** A client would read the body as the beginning of the next response (RFC 9112 section 6.3). */
function hasForbiddenBody(respond: unknown): boolean {
  const { status, body } = Object(respond)
  return (status === 204 || status === 304) && body !== ''
}

/** A problem if an earlier route takes the same requests. */
function overlap(routes: Table[], i: number): string[] {
  const { path, methods } = routes[i]!
  const hosts = hostsIn(routes[i]!)
  const owner = routes.slice(0, i).findIndex((other) => {
    const shares = hostsIn(other).some((host) => hosts.includes(host))
    if (path === undefined || other.path !== path || !shares) return false
    if (!Array.isArray(methods) || !Array.isArray(other.methods)) return true
    return other.methods.some((method) => methods.includes(method))
  })
  return owner === -1 ? [] : [`route[${i}].path: ${JSON.stringify(path)} is taken by route[${owner}]`]
}

/** The hosts of a route; an empty one stands for every host. */
function hostsIn({ host, hosts }: Table): string[] {
  const texts = (Array.isArray(hosts) ? hosts : [host]).filter((each) => typeof each === 'string')
  return texts.length === 0 ? [''] : texts.map((text) => hostPattern(text) ?? text)
}

const isHost = (text: string): boolean => hostPattern(text) !== undefined

const isPeer = (text: string): boolean => text === 'unix:' || isNetwork(text)

function isNetwork(text: string): boolean {
  return new AddressList().add(text)
}

function describe({ type, path, value, schema }: ValueError): string {
  const key = path
    .slice(1)
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
  switch (type) {
    case ValueErrorType.ObjectAdditionalProperties:
      return schema.properties === undefined
        ? `${key}: there is no such key: must be ${schema.description}`
        : `${key}: there is no such key; known: ${Object.keys(schema.properties).join(', ')}`
    case ValueErrorType.ObjectRequiredProperty:
      return `${key}: is missing: must be ${schema.description}`
    default: {
      const must = schema.type === 'integer' ? allowed(schema) : schema.description
      return `${key}: ${JSON.stringify(value)} is not allowed: must be ${must}`
    }
  }
}

function taken(name: string, items: Table[], key: string, reserved: [string, string][]): string[] {
  const owners = new Map<unknown, string>(reserved)
  return items.flatMap((item, i) => {
    const value = item[key]
    const owner = owners.get(value)
    if (value === undefined) return []
    if (owner === undefined) owners.set(value, `${name}[${i}]`)
    return owner === undefined ? [] : [`${name}[${i}].${key}: ${JSON.stringify(value)} is taken by ${owner}`]
  })
}

/** The tables of `[[key]]`; other values count as empty tables. */
const tables = (document: unknown, key: string): Table[] => list(document, key).map((item) => Object(item))

function list(document: unknown, key: string): unknown[] {
  const items = (Object(document) as Table)[key]
  return Array.isArray(items) ? items : []
}
