/** The schema of a `[[route]]` table. */
import { Type } from '@sinclair/typebox'
import { ROUTED_METHODS } from '../http1/methods.ts'
import { ACCESS_LOGS } from '../observe/access_log.ts'
import { HOST } from './hosts.ts'
import { NETWORK } from './problems.ts'
import { closed, errorPages, HeadersSchema, integer, LOCATION, name, oneOf } from './schema_parts.ts'

/** Failures after which a request may be sent again. */
export const RETRY_CAUSES = ['unreachable', 'connect_timeout', 'gone', 'answer_timeout'] as const

/** Statuses that send a client to another URL. */
const REDIRECTS = [301, 302, 303, 307, 308]

const ONE_METHOD = `one of ${ROUTED_METHODS.join(', ')}`

const path = (description: string) =>
  Type.String({
    pattern: '^(/|(/[^/?#%;*\\\\\\s]+)+)$',
    description: `${description}, without a slash or * at its end`,
  })

const line = (description: string, fallback: string) =>
  Type.String({ pattern: '^[ -~]+$', default: fallback, description })

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
