/**
 * The file of `--web.config.file`: TLS, basic authentication and headers, in the format that all of Prometheus' exporters
 * share. A key that is unknown, or that this server could not honour, refuses the file: a setting that protects
 * something must not be overlooked.
 * https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'

/** What Bun.serve takes. */
export interface Tls {
  cert: string
  key: string
  ca?: string
  requestCert: boolean
  rejectUnauthorized: boolean
}

export interface WebConfig {
  tls: Tls | undefined
  /** bcrypt hashes of passwords, by user; no user is no authentication. */
  users: ReadonlyMap<string, string>
  headers: Readonly<Record<string, string>>
}

/** What holds without a file. */
export const PLAIN: WebConfig = { tls: undefined, users: new Map(), headers: {} }

/** All that is wrong with the file, a line each. */
export class WebConfigError extends Error {
  override name = 'WebConfigError'
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '))
  }
}

const text = (value: unknown) => typeof value === 'string' || 'must be a text'
const boolean = (value: unknown) => typeof value === 'boolean' || 'must be true or false'
const only =
  (...words: string[]) =>
  (value: unknown) =>
    words.includes(value as string) || `can only be ${words.join(' or ')} here`
const hash = (value: unknown) =>
  (typeof value === 'string' && /^\$2[aby]\$\d\d\$[./\w]{53}$/.test(value)) || 'must be a bcrypt hash'

type Check = (value: unknown) => true | string
type Keys = Record<string, Check>

const TLS_KEYS: Keys = {
  cert: text,
  cert_file: text,
  key: text,
  key_file: text,
  client_ca: text,
  client_ca_file: text,
  // Exporter-toolkit calls the others insecure.
  client_auth_type: only('NoClientCert', 'RequireAndVerifyClientCert'),
  min_version: only('TLS12'),
  max_version: only('TLS13'),
}
const HTTP_KEYS: Keys = { http2: boolean, headers: () => true }
// What a header cannot hold would be an error at each answer.
const line = (value: unknown) =>
  (typeof value === 'string' && /^[\t\x20-\x7e]*$/.test(value)) || 'must be one line of ASCII text'
const HEADER_KEYS: Keys = {
  'Content-Security-Policy': line,
  'X-Frame-Options': only('deny', 'sameorigin', ''),
  'X-Content-Type-Options': only('nosniff', ''),
  'X-XSS-Protection': line,
  'Strict-Transport-Security': line,
}
const SECTIONS: Keys = {
  tls_server_config: () => true,
  http_server_config: () => true,
  basic_auth_users: () => true,
}

/**
 * Reads the file, and those that it names, which may be relative to it.
 * @throws {WebConfigError} with everything that is wrong.
 */
export function readWebConfig(path: string): WebConfig {
  const problems: string[] = []
  const attempt = <T>(what: string, act: () => T): T | undefined => {
    try {
      return act()
    } catch (error) {
      problems.push(`${what}: ${(error as Error).message}`)
      return undefined
    }
  }
  const section = (parent: Record<string, unknown>, name: string, keys: Keys | Check) => {
    const value = parent[name] ?? {}
    if (typeof value !== 'object' || Array.isArray(value)) {
      problems.push(`${name === '' ? 'the file' : name} must be a list of keys and values`)
      return {}
    }
    const entries = value as Record<string, unknown>
    for (const [key, each] of Object.entries(entries)) {
      const check = typeof keys === 'function' ? keys : Object.hasOwn(keys, key) ? keys[key] : undefined
      const verdict = check?.(each) ?? 'is unknown, or not supported here'
      if (verdict !== true) problems.push(`${name === '' ? '' : `${name}.`}${key} ${verdict}`)
    }
    return entries
  }

  const parsed = attempt(path, () => Bun.YAML.parse(readFileSync(path, 'utf8')))
  const top = section({ '': parsed }, '', SECTIONS)
  const users = section(top, 'basic_auth_users', hash) as Record<string, string>
  const headers = section(section(top, 'http_server_config', HTTP_KEYS), 'headers', HEADER_KEYS) as Record<
    string,
    string
  >
  const tlsKeys = section(top, 'tls_server_config', TLS_KEYS) as Record<string, string | undefined>

  const pem = (name: string): string | undefined => {
    const { [name]: inline, [`${name}_file`]: file } = tlsKeys
    if (inline !== undefined && file !== undefined) problems.push(`${name} and ${name}_file are both given`)
    return file === undefined
      ? inline
      : attempt(`${name}_file`, () => readFileSync(resolve(dirname(path), file), 'utf8'))
  }
  const [cert, key, ca] = [pem('cert'), pem('key'), pem('client_ca')]
  const isVerifying = tlsKeys['client_auth_type'] === 'RequireAndVerifyClientCert'
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
    tls: tls && { ...tls, requestCert: isVerifying, rejectUnauthorized: isVerifying },
    users: new Map(Object.entries(users)),
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== '')),
  }
}
