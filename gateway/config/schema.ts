/** The schema of gateway.toml: keys, defaults and bounds. The descriptions are part of the messages about problems. */
import { Type } from '@sinclair/typebox'
import { ROUTED_METHODS } from '../http1/methods.ts'
import { ACCESS_LOGS } from '../observe/access_log.ts'
import { LISTEN, TARGET } from './address.ts'
import { HOST } from './hosts.ts'
import { NETWORK, ROUTES } from './problems.ts'

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
    head_bytes: integer(
      'bytes of a request head for an upstream, with the fields that the gateway adds; more: 431',
      16_384,
      1024,
      1_048_576,
    ),
    body_bytes: integer('bytes of a body, declared or counted; more: 413', 75_000_000, 0),
    response_headers_bytes: integer('bytes of the head of a response; more: 502', 65_536, 256, 1_048_576),
    response_headers_count: integer('header fields of a response; more: 502', 256, 1, 10_000),
    connections: integer('clients at one time in one worker; more: 503', 16_384),
  },
  { ...closed, default: {}, description: 'a [limits] table' },
)

const TimeoutsSchema = Type.Object(
  {
    handshake_ms: integer('a TLS handshake of a client: its connection is closed', 10_000),
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
    sample_2xx: Type.Number({ description: 'a share from 0 to 1', minimum: 0, maximum: 1, default: 1 }),
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

const files = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], {
    description,
  })
const KEY_PAIRS = {
  cert: files('a path of a PEM file, or a list of paths'),
  key: files('a path of a PEM file, or a list of paths'),
}
const file = Type.String({ minLength: 1, description: 'a path of a file' })

export const UpstreamSchema = Type.Object(
  {
    name,
    targets: Type.Array(Type.String({ description: TARGET }), {
      minItems: 1,
      description: 'a list of addresses',
    }),
    health: Type.Optional(HealthSchema),
    max_connections: integer('connections in use at one time in one worker; more requests wait', 1024),
    max_tunnels: integer('tunnels (WebSocket) at one time in one worker; more: 503', 1024, 0),
    tls: Type.Optional(
      Type.Object(
        {
          ca: Type.Optional(file),
          cert: Type.Optional(file),
          key: Type.Optional(file),
          server_name: Type.Optional(Type.String({ minLength: 1, description: 'a host' })),
        },
        { ...closed, description: 'a table with ca, cert, key and server_name' },
      ),
    ),
    queue: integer('requests that may wait in one worker; more: 503', 1024, 0),
    queue_ms: integer('how long a request waits: 503', 5000),
  },
  { ...closed, description: 'an [[upstream]] table' },
)

/** Statuses that send a client to another URL. */
const REDIRECTS = [301, 302, 303, 307, 308]

/** Visible ASCII without `$`, and braces only around the placeholders. */
const LOCATION = '^([!-#%-z|~]|\\{(host|path|query)\\})+$'

const ONE_METHOD = `one of ${ROUTED_METHODS.join(', ')}`

const path = (description: string) =>
  Type.String({
    pattern: '^(/|(/[^/?#%;*\\\\\\s]+)+)$',
    description: `${description}, without a slash or * at its end`,
  })

/** Visible ASCII and spaces. */
const value = Type.String({ pattern: '^[ -~]*$', description: 'a string of printable ASCII' })
const VALUES = Type.Record(
  Type.String(),
  Type.Union([value, Type.Array(value)], { description: 'a string of printable ASCII, or a list of them' }),
  {
    description: 'a table of names with a string or a list of strings',
  },
)
const HeadersSchema = Type.Object(
  {
    set: Type.Optional(VALUES),
    add: Type.Optional(VALUES),
    remove: Type.Optional(
      Type.Array(Type.String({ description: 'a name' }), { description: 'a list of names' }),
    ),
  },
  { ...closed, description: 'a table with set, add and remove' },
)

const errorPages = Type.Record(Type.String({ pattern: '^[45]\\d\\d$' }), file, {
  additionalProperties: false,
  description: 'a table of statuses with a file or a URL',
})

const networks = Type.Array(Type.String({ description: NETWORK }), {
  description: 'a list of addresses and networks',
})

const milliseconds = (description: string) =>
  Type.Optional(Type.Integer({ description, minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))

export const RouteSchema = Type.Object(
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
    errors: Type.Optional(errorPages),
    allow: Type.Optional(networks),
    deny: Type.Optional(networks),
    rate: Type.Optional(
      Type.Object(
        {
          requests: Type.Integer({ description: 'requests in the time', minimum: 1, maximum: 1_000_000_000 }),
          per: Type.String({
            pattern: '^[1-9]\\d{0,8}(ms|s|m|h|d)$',
            description: 'a time like 1s, 1m or 1h',
          }),
          burst: Type.Optional(
            Type.Integer({
              description: 'requests that may come at once',
              minimum: 1,
              maximum: 1_000_000_000,
            }),
          ),
          key: Type.Optional(oneOf('client', 'route')),
        },
        { ...closed, description: 'a table with requests, per, burst and key' },
      ),
    ),
    request_headers: Type.Optional(HeadersSchema),
    response_headers: Type.Optional(HeadersSchema),
    limits: Type.Optional(
      Type.Object(
        {
          body_bytes: Type.Integer({
            description: 'bytes of a body; more: 413',
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
          }),
        },
        { ...closed, description: 'a table with body_bytes' },
      ),
    ),
    timeouts: Type.Optional(
      Type.Object(
        {
          body_stall_ms: milliseconds('a body without progress: 408, or the end of the connection'),
          connect_ms: milliseconds('a connection to an upstream: 504'),
          response_header_ms: milliseconds(
            'from the last byte of the request to the head of its response: 504',
          ),
          tunnel_idle_ms: milliseconds('a tunnel (WebSocket) without a byte: it is closed'),
        },
        { ...closed, description: 'a table with timeouts' },
      ),
    ),
    log: Type.Optional(
      Type.Object({ access: oneOf(...ACCESS_LOGS) }, { ...closed, description: 'a table with access' }),
    ),
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
          status: Type.Unsafe<number>(
            Type.Union(
              REDIRECTS.map((status) => Type.Literal(status)),
              { default: 308, description: `one of ${REDIRECTS.join(', ')}` },
            ),
          ),
          location: Type.String({ pattern: LOCATION, description: 'a URL, with {host}, {path} and {query}' }),
        },
        { ...closed, description: 'a table with location and status' },
      ),
    ),
  },
  { ...closed, description: 'a [[route]] table' },
)

export const ListenSchema = Type.Object(
  {
    address: Type.String({ description: LISTEN }),
    tls: Type.Optional(
      Type.Object(
        {
          ...KEY_PAIRS,
          client_ca: Type.Optional(file),
          min_version: Type.Optional(oneOf('1.2', '1.3')),
          sni: Type.Optional(
            Type.Array(
              Type.Object(
                {
                  hosts: Type.Array(Type.String({ description: HOST }), {
                    minItems: 1,
                    description: 'a list of hosts',
                  }),
                  ...KEY_PAIRS,
                },
                { ...closed, description: 'a table with hosts, cert and key' },
              ),
              { description: 'a list of tables with hosts, cert and key' },
            ),
          ),
        },
        { ...closed, description: 'a table with cert and key' },
      ),
    ),
    redirect: Type.Optional(
      Type.String({ pattern: LOCATION, description: 'a URL, with {host}, {path} and {query}' }),
    ),
  },
  { ...closed, description: 'a [[listen]] table' },
)

export const FileSchema = Type.Object(
  {
    listen: Type.Array(ListenSchema, { description: 'a list of [[listen]] tables' }),
    limits: LimitsSchema,
    timeouts: TimeoutsSchema,
    log: LogSchema,
    errors: Type.Optional(errorPages),
    trusted_proxies: Type.Array(Type.String({ description: NETWORK }), {
      description: 'a list of addresses and networks',
    }),
    upstream: Type.Array(UpstreamSchema, { description: 'a list of [[upstream]] tables' }),
    route: Type.Array(RouteSchema, { description: ROUTES }),
  },
  closed,
)
