/**
 * What gateway.toml may hold, and what it means. How its text becomes a document is toml.ts's business, how its
 * problems are found and worded is check.ts's.
 */
import { ConfigError, type Environment } from '@bun-monitoring/prefork'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { referenceProblems, shapeProblems } from './check.ts'
import { readToml } from './toml.ts'

const closed = { additionalProperties: false }
const name = Type.String({
  pattern: '^[a-z][a-z0-9_-]*$',
  description: 'a name of lower-case letters, digits, - and _',
})

const UpstreamSchema = Type.Object(
  {
    name,
    targets: Type.Array(
      Type.String({
        pattern: '^http://[^/?#@\\s]+:\\d{1,5}$',
        description: 'an address like http://127.0.0.1:8001',
      }),
      { minItems: 1, maxItems: 1, description: 'a list of exactly one address' },
    ),
  },
  { ...closed, description: 'an [[upstream]] table' },
)

const RouteSchema = Type.Object(
  {
    id: name,
    path: Type.String({
      pattern: '^(/[^/?#\\s]+)+$',
      description: 'a path like /dogs, without a slash at its end',
    }),
    upstream: Type.String({ description: 'the name of an upstream' }),
  },
  { ...closed, description: 'a [[route]] table' },
)

const FileSchema = Type.Object(
  {
    timeouts: Type.Object(
      // Below the time after which the server gives up a client that is silent, the one who waits included.
      { response_header_ms: Type.Integer({ minimum: 1, maximum: 60_000, default: 35_000 }) },
      { ...closed, default: {}, description: 'a [timeouts] table' },
    ),
    limits: Type.Object(
      { body_bytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 75_000_000 }) },
      { ...closed, default: {}, description: 'a [limits] table' },
    ),
    upstream: Type.Array(UpstreamSchema, { minItems: 1, description: 'at least one [[upstream]] table' }),
    route: Type.Array(RouteSchema, { minItems: 1, description: 'at least one [[route]] table' }),
  },
  closed,
)

/** A server that requests can be sent to. */
export interface UpstreamConfig {
  name: string
  /** Scheme, host and port, without a slash at the end. */
  target: string
}

/** Which paths go to which upstream. */
export type RouteConfig = Static<typeof RouteSchema>

/** The file, as the gateway uses it. */
export interface GatewayFile {
  responseHeaderMs: number
  bodyBytes: number
  upstreams: UpstreamConfig[]
  routes: RouteConfig[]
}

/** @throws {ConfigError} that names all that is wrong with the file. */
export function readGatewayFile(path: string, env: Environment): GatewayFile {
  const { document, problems } = readToml(path, env)
  const file = Value.Default(FileSchema, document)
  problems.push(...shapeProblems(FileSchema, file), ...referenceProblems(file))
  if (problems.length > 0) throw new ConfigError(problems)

  const { timeouts, limits, upstream, route } = file as Static<typeof FileSchema>
  return {
    responseHeaderMs: timeouts.response_header_ms,
    bodyBytes: limits.body_bytes,
    upstreams: upstream.map(({ name, targets }) => ({ name, target: targets[0]! })),
    routes: route,
  }
}
