/** The connection settings in the form of Bun's client. They hold the password: only `whereIs` may be printed. */
import { readFileSync } from 'node:fs'
import { SQL } from 'bun'

export interface PostgresSettings {
  databaseUrl: string
  databasePasswordFile?: string
  databaseConnectTimeoutMs: number
  databaseStatementTimeoutMs: number
}

/** Whether a text is a URL of PostgreSQL. It may hold a password, so error messages must not repeat it. */
export const isPostgresUrl = (text: string): boolean =>
  URL.canParse(text) && ['postgres:', 'postgresql:'].includes(new URL(text).protocol)

/** @throws the system's error if the file cannot be read. */
export const readPassword = (path: string): string => readFileSync(path, 'utf8').replace(/\r?\n$/, '')

/** Server and database for messages, without user and password. */
export function whereIs(url: string): string {
  const { hostname, port, pathname } = new URL(url)
  return `${hostname}:${port === '' ? '5432' : port}${pathname}`
}

/**
 * One connection, opened by its first use or by `connect()`. Bun reopens it after a loss: to prevent that, close it in
 * `onClose`.
 */
export function connection(
  name: string,
  settings: PostgresSettings,
  statementTimeoutMs: number,
  onClose?: () => void,
): SQL {
  const { databaseUrl, databasePasswordFile, databaseConnectTimeoutMs } = settings
  return new SQL({
    url: databaseUrl,
    ...(databasePasswordFile === undefined ? {} : { password: readPassword(databasePasswordFile) }),
    // One statement at a time: earlier releases of Bun mixed up the results of several statements on one connection
    // (oven-sh/bun pull requests 32772 and 33627).
    max: 1,
    // In seconds; fractions are allowed.
    connectionTimeout: databaseConnectTimeoutMs / 1000,
    connection: { application_name: name, statement_timeout: statementTimeoutMs },
    ...(onClose ? { onclose: onClose } : {}),
  })
}
