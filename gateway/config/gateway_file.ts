/**
 * The schema of gateway.toml, and the file as the gateway uses it. toml.ts parses the text, problems.ts finds and words
 * the problems.
 */
import { ConfigError, type Environment } from '@bun-monitoring/prefork'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ACCESS_LOGS, type AccessLogConfig } from '../observe/access_log.ts'
import { TARGET } from './address.ts'
import { HOST } from './hosts.ts'
import { NETWORK, referenceProblems, shapeProblems } from './problems.ts'
import type { Limits, Timeouts } from './limits.ts'
import { ROUTED_METHODS } from '../http1/methods.ts'
import { readToml } from './toml.ts'

/** Failures after which a request may be sent again. */
export const RETRY_CAUSES = ['unreachable', 'connect_timeout', 'gone', 'answer_timeout'] as const

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
    headers_bytes: integer('bytes of all header fields; more: 431', 15_360, 256, 49_152),
    headers_count: integer('header fields; more: 431', 100, 1, 1000),
    body_bytes: integer('bytes of a body, declared or counted; more: 413', 75_000_000, 0),
    response_headers_bytes: integer('bytes of the head of a response; more: 502', 65_536, 256, 1_048_576),
    response_headers_count: integer('header fields of a response; more: 502', 256, 1, 10_000),
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
    tunnel_idle_ms: integer('a tunnel (WebSocket) without a byte: it is closed', 14_400_000),
  },
  { ...closed, default: {}, description: 'a [timeouts] table' },
)

const LogSchema = Type.Object(
  {
    access: Type.Union(
      ACCESS_LOGS.map((mode) => Type.Literal(mode)),
      { default: 'errors', description: `one of ${ACCESS_LOGS.join(', ')}` },
    ),
    errors_per_second: integer('lines in one second with access = "errors"', 100),
  },
  { ...closed, default: {}, description: 'a [log] table' },
)

/** One of these strings. */
const oneOf = <Value extends string>(...values: Value[]) =>
  Type.Union(
    values.map((value) => Type.Literal(value)),
    { description: `one of ${values.join(', ')}` },
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
    expect: Type.Optional(
      Type.Array(Type.Integer({ minimum: 200, maximum: 599, description: 'a status' }), {
        minItems: 1,
        description: 'a list of statuses that pass',
      }),
    ),
  },
  { ...closed, description: 'a table with path, interval_ms, timeout_ms, passes, fails and expect' },
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
    max_tunnels: integer('tunnels (WebSocket) at one time in one worker; more: 503', 1024, 0),
    queue: integer('requests that may wait in one worker; more: 503', 1024, 0),
    queue_ms: integer('how long a request waits: 503', 5000),
  },
  { ...closed, description: 'an [[upstream]] table' },
)

/** Visible ASCII without `$`, and braces only around the placeholders. */
const LOCATION = '^([!-#%-z|~]|\\{(host|path|query)\\})+$'

const ONE_METHOD = `one of ${ROUTED_METHODS.join(', ')}`

const path = (description: string) =>
  Type.String({
    pattern: '^(/|(/[^/?#%;\\\\\\s]+)+)$',
    description: `${description}, without a slash at its end`,
  })

const RouteSchema = Type.Object(
  {
    id: name,
    host: Type.Optional(Type.String({ description: HOST })),
    hosts: Type.Optional(
      Type.Array(Type.String({ description: HOST }), { minItems: 1, description: 'a list of hosts' }),
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
    encoded_slashes: Type.Optional(oneOf('reject', 'pass')),
    rewrite: Type.Optional(path('a path that replaces the route’s, like /v2')),
    retries: Type.Optional(
      Type.Integer({
        description: 'times that a request that was sent is sent again',
        minimum: 0,
        maximum: 10,
      }),
    ),
    retry_on: Type.Optional(
      Type.Array(oneOf(...RETRY_CAUSES), {
        description: `a list, each ${oneOf(...RETRY_CAUSES).description}`,
      }),
    ),
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
          location: Type.String({ pattern: LOCATION, description: 'a URL, with {host}, {path} and {query}' }),
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
    upstream: Type.Array(UpstreamSchema, { default: [], description: 'a list of [[upstream]] tables' }),
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
  maxTunnels: number
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
  /** Statuses that pass; without it 200 to 299. */
  expect?: number[]
}

/** A route: which requests it takes, and what it does with them. */
export type RouteConfig = Static<typeof RouteSchema>

/** The file, as the gateway uses it. */
export interface GatewayFile {
  limits: Limits
  timeouts: Timeouts
  log: AccessLogConfig
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
    log: camelCase(log) as unknown as AccessLogConfig,
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
