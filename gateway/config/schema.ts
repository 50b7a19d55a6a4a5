/** The schema of gateway.toml: keys, defaults and bounds. The descriptions are part of the messages about problems. */
import { Type } from '@sinclair/typebox'
import { ACCESS_LOGS } from '../observe/access_log.ts'
import { LISTEN, TARGET } from './address.ts'
import { HOST } from './hosts.ts'
import { NETWORK, ROUTES } from './problems.ts'
import { RouteSchema } from './route_schema.ts'
import { closed, errorPages, file, HeadersSchema, integer, LOCATION, name, oneOf } from './schema_parts.ts'

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
    response_headers: Type.Optional(HeadersSchema),
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
