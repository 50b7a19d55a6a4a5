/** Which PostgreSQL, and how: the settings as Bun's client wants them. Nothing here is ever printed but `where`. */
import { readFileSync } from 'node:fs'
import { SQL } from 'bun'

export interface PostgresSettings {
  databaseUrl: string
  databasePasswordFile?: string
  databaseConnectTimeoutMs: number
  databaseStatementTimeoutMs: number
}

/** A URL of PostgreSQL. Its text is a secret: complaints must not repeat it. */
export const isPostgresUrl = (text: string): boolean =>
  URL.canParse(text) && ['postgres:', 'postgresql:'].includes(new URL(text).protocol)

/** @throws the system's error where the file cannot be read. */
export const readPassword = (path: string): string => readFileSync(path, 'utf8').replace(/\r?\n$/, '')

/** Server and database, for people. */
export function whereIs(url: string): string {
  const { hostname, port, pathname } = new URL(url)
  return `${hostname}:${port === '' ? '5432' : port}${pathname}`
}

/**
 * One connection. It is made when it is first used, or by `connect()`; Bun would make it anew after a loss, so whoever
 * wants to know of losses closes it in `onClose`.
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
    // One statement at a time: Bun's answers to several on one connection were mixed up in releases before this one
    // (oven-sh/bun pull requests 32772 and 33627). The pool is ours.
    max: 1,
    // Seconds, and fractions of them.
    connectionTimeout: databaseConnectTimeoutMs / 1000,
    connection: { application_name: name, statement_timeout: statementTimeoutMs },
    ...(onClose ? { onclose: onClose } : {}),
  })
}
