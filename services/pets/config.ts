/** The settings of a service: those of every process, and its own. */
import { ConfigError, type Environment, processSettings, readConfig } from '@bun-monitoring/prefork'
import { type Static, Type } from '@sinclair/typebox'
import type { AdminAccount } from './admin/sessions.ts'
import { faultSettings } from './http/fault_injection.ts'
import { PUBLIC_PATH } from './http/public_path.ts'
import { type Kind, prefixOf } from './model/kind.ts'
import { isPostgresUrl, readPassword } from './postgres/target.ts'

export const serviceSettings = (kind: Kind) =>
  Type.Object({
    ...processSettings(kind.defaults),
    databasePath: Type.String({
      minLength: 1,
      default: kind.defaults.databasePath,
      description: 'SQLite file; created, with its folder, if it is missing',
    }),
    databaseUrl: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'PostgreSQL instead of the file: `postgres://user:password@host:5432/database`; several hosts, comma-separated, of which one takes writes',
      }),
    ),
    databasePasswordFile: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'file with the password for PostgreSQL, to keep it out of the URL',
      }),
    ),
    databasePool: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 5,
      description: 'largest number of connections to PostgreSQL of one worker',
    }),
    databaseConnectTimeoutMs: milliseconds(
      1000,
      'milliseconds to connect to PostgreSQL, and to wait for a free connection; 503 after',
    ),
    databaseStatementTimeoutMs: milliseconds(
      5000,
      'milliseconds that a statement may take in PostgreSQL; 503 after',
    ),
    bodyBytes: Type.Integer({
      minimum: 1,
      maximum: 100_000_000,
      default: 1_048_576,
      description: 'largest request body in bytes; 413 above',
    }),
    requestTimeoutMs: milliseconds(30_000, 'milliseconds a request body may take to arrive; 408 after'),
    hosts: Type.Optional(
      Type.String({
        pattern: String.raw`^\s*\.?[^\s,:/]+(\s*,\s*\.?[^\s,:/]+)*\s*$`,
        description:
          'comma-separated names that `Host` may have, `.example.com` with all its subdomains; 400 for others',
      }),
    ),
    publicPath: Type.Optional(
      Type.String({
        pattern: PUBLIC_PATH,
        maxLength: 1024,
        description:
          'path such as `/pets` under which clients reach the service, if a proxy in front removes it and sends no `X-Forwarded-Prefix`',
      }),
    ),
    adminPasswordHash: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'argon2id hash of the password for the admin page; without it there is no admin page',
      }),
    ),
    adminUser: Type.String({
      minLength: 1,
      maxLength: 150,
      default: 'admin',
      description: 'user of the admin page',
    }),
    ...faultSettings,
    url: Type.Optional(
      Type.String({
        description:
          'address at which the gateway reaches this service; read by the gateway, not by the service',
      }),
    ),
  })

export type ServiceConfig = Static<ReturnType<typeof serviceSettings>>

/** The names of `HOSTS`; none means that any `Host` is served. */
export const hostsOf = ({ hosts = '' }: ServiceConfig): string[] =>
  hosts
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

/** The account of the admin page, if it has a password. */
export const adminOf = ({ adminUser, adminPasswordHash }: ServiceConfig): AdminAccount | undefined =>
  adminPasswordHash === undefined ? undefined : { user: adminUser, passwordHash: adminPasswordHash }

/** @throws ConfigError naming every problem. */
export function serviceConfig(kind: Kind, env: Environment): ServiceConfig {
  const prefix = prefixOf(kind)
  const problems = [...secretProblems(prefix, env)]
  try {
    const config = readConfig(serviceSettings(kind), prefix, env)
    if (problems.length === 0) return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.unshift(...error.problems)
  }
  throw new ConfigError(problems)
}

/** Checks that a schema cannot express. Their messages do not repeat the value, which may be a secret. */
function* secretProblems(prefix: string, env: Environment): Generator<string> {
  const { [`${prefix}_DATABASE_URL`]: url = '', [`${prefix}_DATABASE_PASSWORD_FILE`]: file = '' } = env
  const hash = env[`${prefix}_ADMIN_PASSWORD_HASH`] ?? ''
  if (hash !== '' && !/^\$argon2id\$v=\d+\$[^$]+\$[^$]+\$[^$]+$/.test(hash)) {
    yield `${prefix}_ADMIN_PASSWORD_HASH is not allowed: must be an argon2id hash, as Bun.password.hash returns it`
  }
  if (url !== '' && !isPostgresUrl(url)) {
    yield `${prefix}_DATABASE_URL is not allowed: must be postgres://user:password@host:5432/database`
  }
  try {
    if (file !== '') readPassword(file)
  } catch (error) {
    yield `${prefix}_DATABASE_PASSWORD_FILE cannot be read: ${(error as Error).message}`
  }
}

function milliseconds(byDefault: number, description: string) {
  return Type.Integer({ minimum: 1, maximum: 3_600_000, default: byDefault, description })
}
