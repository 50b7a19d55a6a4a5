/**
 * The file of `--web.config.file`: TLS, basic authentication and response headers, in the format of Prometheus'
 * exporter-toolkit. A file with an unknown or unsupported key is rejected, so that no protection is silently missing.
 * https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { type Static, type TProperties, type TSchema, Type } from '@sinclair/typebox'
import { Value, type ValueError, ValueErrorType } from '@sinclair/typebox/value'

/** The TLS options of Bun.serve. */
export interface Tls {
  cert: string
  key: string
  ca?: string
  ciphers: string
  requestCert: boolean
  rejectUnauthorized: boolean
}

export interface WebConfig {
  tls: Tls | undefined
  /** bcrypt hashes of passwords by user; without users there is no authentication. */
  users: ReadonlyMap<string, string>
  headers: Readonly<Record<string, string>>
}

/** The suites of TLS 1.2 with authenticated encryption (AEAD), as Go offers them; TLS 1.3 has no others. */
const CIPHERS = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']
  .flatMap((cipher) => [`ECDHE-ECDSA-${cipher}`, `ECDHE-RSA-${cipher}`])
  .join(':')

/** The configuration without a file. */
export const PLAIN: WebConfig = { tls: undefined, users: new Map(), headers: {} }

/** Every problem of the file, one line for each. */
export class WebConfigError extends Error {
  override name = 'WebConfigError'
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '))
  }
}

// The description of a schema is the error message for a value that does not match it.
const anyOf = <const Word extends string>(...words: Word[]) =>
  Type.Optional(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { description: `must be ${words.map((word) => word || '""').join(' or ')}` },
    ),
  )
const text = Type.Optional(Type.String({ description: 'must be a string' }))
// Bun rejects any other header value when it sends the response.
const headerValue = Type.Optional(
  Type.String({ pattern: String.raw`^[\t\x20-\x7e]*$`, description: 'must be one line of ASCII text' }),
)
const section = { additionalProperties: false, description: 'must be a list of keys and values' }
const keys = <Keys extends TProperties>(properties: Keys) => Type.Optional(Type.Object(properties, section))
const hash = Type.String({
  pattern: String.raw`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`,
  description: 'must be a bcrypt hash',
})

const SCHEMA = Type.Object(
  {
    tls_server_config: keys({
      cert: text,
      cert_file: text,
      key: text,
      key_file: text,
      client_ca: text,
      client_ca_file: text,
      // The other values of exporter-toolkit do not verify the client.
      client_auth_type: anyOf('NoClientCert', 'RequireAndVerifyClientCert'),
      min_version: anyOf('TLS12'),
      max_version: anyOf('TLS13'),
    }),
    http_server_config: keys({
      http2: Type.Optional(Type.Boolean({ description: 'must be true or false' })),
      headers: keys({
        'Content-Security-Policy': headerValue,
        'X-Frame-Options': anyOf('deny', 'sameorigin', ''),
        'X-Content-Type-Options': anyOf('nosniff', ''),
        'X-XSS-Protection': headerValue,
        'Strict-Transport-Security': headerValue,
      }),
    }),
    basic_auth_users: Type.Optional(Type.Record(Type.String(), hash, section)),
  },
  section,
)

/**
 * Reads the file and the files that it names; their paths may be relative to it.
 * @throws {WebConfigError} with every problem.
 */
export function readWebConfig(path: string): WebConfig {
  const problems: string[] = []
  const attempt = <T>(subject: string, act: () => T): T | undefined => {
    try {
      return act()
    } catch (error) {
      problems.push(`${subject}: ${(error as Error).message}`)
      return undefined
    }
  }
  const parsed = attempt(path, () => Bun.YAML.parse(readFileSync(path, 'utf8')))
  // YAML reads a section without keys as null.
  const file = withoutEmptySections(parsed ?? {})
  problems.push(...problemsOf(file))
  if (problems.length > 0) throw new WebConfigError(problems)
  const {
    tls_server_config: tlsKeys = {},
    http_server_config: { headers = {} } = {},
    basic_auth_users: users = {},
  } = file as Static<typeof SCHEMA>

  const pem = (name: 'cert' | 'key' | 'client_ca'): string | undefined => {
    const { [name]: inline, [`${name}_file` as const]: file } = tlsKeys
    if (inline !== undefined && file !== undefined) problems.push(`${name} and ${name}_file are both given`)
    return file === undefined
      ? inline
      : attempt(`${name}_file`, () => readFileSync(resolve(dirname(path), file), 'utf8'))
  }
  const [cert, key, ca] = [pem('cert'), pem('key'), pem('client_ca')]
  const isVerifying = tlsKeys.client_auth_type === 'RequireAndVerifyClientCert'
  if (problems.length === 0 && Object.keys(tlsKeys).length > 0) {
    if (!cert) problems.push('tls_server_config needs cert_file or cert')
    if (!key) problems.push('tls_server_config needs key_file or key')
    if (isVerifying && !ca) problems.push('RequireAndVerifyClientCert needs client_ca_file or client_ca')
    if (ca && !isVerifying) problems.push('client_ca needs client_auth_type: RequireAndVerifyClientCert')
  }
  const tls = cert && key ? { cert, key, ...(ca ? { ca } : {}) } : undefined
  if (tls && problems.length === 0) attempt('tls_server_config', () => createSecureContext(tls))
  if (problems.length > 0) throw new WebConfigError(problems)
  return {
    tls: tls && { ...tls, ciphers: CIPHERS, requestCert: isVerifying, rejectUnauthorized: isVerifying },
    users: new Map(Object.entries(users)),
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== '')),
  }
}

/** Leaves users alone: a user without a password must be an error. */
function withoutEmptySections(value: unknown): unknown {
  if (!isObject(value)) return value
  const sections = Object.entries(value).filter(([, each]) => each !== null)
  return Object.fromEntries(
    sections.map(([name, each]) => [name, name === 'http_server_config' ? withoutEmptySections(each) : each]),
  )
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** One line for each place in the file that does not match the schema. */
function problemsOf(file: unknown): string[] {
  const first = new Map<string, ValueError>()
  for (const error of Value.Errors(SCHEMA, file)) if (!first.has(error.path)) first.set(error.path, error)
  return Array.from(first.values(), ({ path, type, schema }) => {
    const key = path.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~') || 'the file'
    return `${key} ${type === ValueErrorType.ObjectAdditionalProperties ? 'is unknown, or not supported here' : (schema as TSchema).description}`
  })
}
