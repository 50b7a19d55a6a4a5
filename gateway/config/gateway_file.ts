/**
 * The schema of gateway.toml, and the file as the gateway uses it. toml.ts parses the text, problems.ts finds and words
 * the problems.
 */
import { ConfigError, type Environment } from '@bun-monitoring/prefork'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ACCESS_LOGS, type AccessLogMode } from '../observe/access_log.ts'
import { TARGET } from './address.ts'
import { NETWORK, referenceProblems, shapeProblems } from './problems.ts'
import type { Limits, Timeouts } from './limits.ts'
import { CONNECT, METHODS } from '../http1/methods.ts'
import { readToml } from './toml.ts'

const closed = { additionalProperties: false }
const name = Type.String({
  pattern: '^[a-z][a-z0-9_-]*$',
  description: 'a name of lower-case letters, digits, - and _',
})

const integer = (description: string, fallback: number, minimum = 1, maximum = Number.MAX_SAFE_INTEGER) =>
  Type.Integer({ description, minimum, maximum, default: fallback })

const LimitsSchema = Type.Object(
  {
    line_bytes: integer('bytes of a request line; more: 414', 8192, 64, 32_768),
    headers_bytes: integer('bytes of all header fields; more: 431', 32_768, 256, 49_152),
    headers_count: integer('header fields; more: 431', 100, 1, 1000),
    body_bytes: integer('bytes of a body, declared or counted; more: 413', 75_000_000, 0),
    connections: integer('clients at one time in one worker; more: 503', 16_384),
  },
  { ...closed, default: {}, description: 'a [limits] table' },
)

const TimeoutsSchema = Type.Object(
  {
    request_header_ms: integer('from the first byte of a head to its last: 408', 10_000),
    body_stall_ms: integer('a body without progress: 408, or the end of the connection', 30_000),
    connect_ms: integer('a connection to an upstream: 504', 1000),
    response_header_ms: integer('from the last byte of the request to the head of its response: 504', 35_000),
    client_idle_ms: integer('a client without a request: its connection is closed', 75_000),
    pool_idle_ms: integer('an unused connection to an upstream: it is closed', 1000),
  },
  { ...closed, default: {}, description: 'a [timeouts] table' },
)

const LogSchema = Type.Object(
  {
    access: Type.Union(
      ACCESS_LOGS.map((mode) => Type.Literal(mode)),
      { default: 'errors', description: `one of ${ACCESS_LOGS.join(', ')}` },
    ),
  },
  { ...closed, default: {}, description: 'a [log] table' },
)

const line = (description: string, fallback: string) =>
  Type.String({ pattern: '^[ -~]+$', default: fallback, description })

const HealthSchema = Type.Object(
  {
    path: Type.String({ pattern: '^/[!-~]*$', description: 'a path like /healthz' }),
    interval_ms: integer('between two checks of a target', 1000),
    timeout_ms: integer('until a check has failed', 1000),
    passes: integer('passed checks in a row that restore a target', 2),
    fails: integer('failed checks in a row that eject a target', 3),
  },
  { ...closed, description: 'a table with path, interval_ms, timeout_ms, passes and fails' },
)

const UpstreamSchema = Type.Object(
  {
    name,
    targets: Type.Array(Type.String({ description: TARGET }), {
      minItems: 1,
      description: 'a list of addresses',
    }),
    health: Type.Optional(HealthSchema),
    max_connections: integer('connections in use at one time in one worker; more requests wait', 1024),
    queue: integer('requests that may wait in one worker; more: 503', 1024, 0),
    queue_ms: integer('how long a request waits: 503', 5000),
  },
  { ...closed, description: 'an [[upstream]] table' },
)

const ROUTED_METHODS = METHODS.slice(0, CONNECT)
const ONE_METHOD = `one of ${ROUTED_METHODS.join(', ')}`

const path = (description: string) =>
  Type.String({
    pattern: '^(/|(/[^/?#%;\\\\\\s]+)+)$',
    description: `${description}, without a slash at its end`,
  })

const RouteSchema = Type.Object(
  {
    id: name,
    host: Type.Optional(
      Type.String({
        pattern: '^([a-z0-9.\\-_]+|\\[[0-9a-f:.]+\\])$',
        description: 'a host in small letters, without a port',
      }),
    ),
    path: path('a path like /dogs'),
    methods: Type.Optional(
      Type.Array(
        Type.Union(
          ROUTED_METHODS.map((method) => Type.Literal(method)),
          { description: ONE_METHOD },
        ),
        {
          minItems: 1,
          description: `a list, each ${ONE_METHOD}`,
        },
      ),
    ),
    upstream: Type.Optional(Type.String({ description: 'the name of an upstream' })),
    strip: Type.Optional(Type.Boolean({ description: 'true or false' })),
    rewrite: Type.Optional(path('a path that replaces the route’s, like /v2')),
    respond: Type.Optional(
      Type.Object(
        {
          status: integer('status of the response', 200, 200, 599),
          type: line('media type of the body', 'text/plain; charset=utf-8'),
          body: Type.String({ default: '', description: 'a string' }),
        },
        { ...closed, description: 'a table with status, type and body' },
      ),
    ),
    redirect: Type.Optional(
      Type.Object(
        {
          status: integer('status of the response', 308, 300, 308),
          location: Type.String({ pattern: '^[!-~]+$', description: 'a URL' }),
        },
        { ...closed, description: 'a table with location and status' },
      ),
    ),
  },
  { ...closed, description: 'a [[route]] table' },
)

const FileSchema = Type.Object(
  {
    limits: LimitsSchema,
    timeouts: TimeoutsSchema,
    log: LogSchema,
    trusted_proxies: Type.Array(Type.String({ description: NETWORK }), {
      default: [],
      description: 'a list of addresses and networks',
    }),
    upstream: Type.Array(UpstreamSchema, { minItems: 1, description: 'at least one [[upstream]] table' }),
    route: Type.Array(RouteSchema, { minItems: 1, description: 'at least one [[route]] table' }),
  },
  closed,
)

/** An upstream. */
export interface UpstreamConfig {
  name: string
  /** The entries of `targets`; see upstream/discovery.ts. */
  targets: string[]
  /** Active checks. Without them only failed requests eject a target. */
  health?: HealthConfig
  maxConnections: number
  queue: number
  queueMs: number
}

/** Active checks of targets. */
export interface HealthConfig {
  path: string
  intervalMs: number
  timeoutMs: number
  passes: number
  fails: number
}

/** A route: which requests it takes, and what it does with them. */
export type RouteConfig = Static<typeof RouteSchema>

/** The file, as the gateway uses it. */
export interface GatewayFile {
  limits: Limits
  timeouts: Timeouts
  accessLog: AccessLogMode
  trustedProxies: string[]
  upstreams: UpstreamConfig[]
  routes: RouteConfig[]
}

/** @throws {ConfigError} with all problems of the file */
export function readGatewayFile(path: string, env: Environment): GatewayFile {
  const { document, problems } = readToml(path, env)
  const file = Value.Default(FileSchema, document)
  problems.push(...shapeProblems(FileSchema, file), ...referenceProblems(file))
  if (problems.length > 0) throw new ConfigError(problems)

  const { limits, timeouts, log, trusted_proxies, upstream, route } = file as Static<typeof FileSchema>
  return {
    limits: camelCase(limits) as unknown as Limits,
    timeouts: camelCase(timeouts) as unknown as Timeouts,
    accessLog: log.access,
    trustedProxies: trusted_proxies,
    upstreams: upstream.map((each) => camelCase(each) as unknown as UpstreamConfig),
    routes: route,
  }
}

/** Changes keys to camel case, also in nested tables: `body_bytes` to `bodyBytes`. */
const camelCase = (table: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(table).map(([key, value]) => [
      key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      isTable(value) ? camelCase(value) : value,
    ]),
  )

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
