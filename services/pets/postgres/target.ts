/**
 * Opens connections with the settings in the form of Bun's client. Only a server that takes writes is used: a standby refuses
 * them, and its lists are stale. The settings hold the password: only `whereIs` may be printed.
 */
import { readFileSync } from 'node:fs'
import { SQL } from 'bun'

export interface PostgresSettings {
  databaseUrl: string
  databasePasswordFile?: string
  databaseConnectTimeoutMs: number
  databaseStatementTimeoutMs: number
}

/** A connection, and the run of a server that it leads to: another server, or a restart, has another name. */
export interface Connected {
  sql: SQL
  server: string
}

/** The server accepts connections, but no writes. */
export class ReadOnlyServer extends Error {
  override name = 'ReadOnlyServer'
}

/**
 * The URLs of the servers of a URL, which may name several: `postgres://a:5432,b:5432/database`, as in libpq. All but the
 * host and the port is the same. libpq's `target_session_attrs` is always `read-write` here.
 */
export function serversOf(url: string): string[] {
  const [, start, authority, end] = /^(postgres(?:ql)?:\/\/)([^/?#]*)(.*)$/s.exec(url) ?? []
  if (authority === undefined) return []
  const at = authority.lastIndexOf('@') + 1
  const rest = end!.replace(/([?&])target_session_attrs=[^&#]*&?/, '$1').replace(/[?&]$/, '')
  return authority
    .slice(at)
    .split(',')
    .map((host) => `${start}${authority.slice(0, at)}${host}${rest}`)
}

/** Whether a text is a URL of PostgreSQL. It may hold a password, so error messages must not repeat it. */
export function isPostgresUrl(text: string): boolean {
  const servers = serversOf(text)
  const attributes = /[?&]target_session_attrs=([^&#]*)/.exec(text)?.[1] ?? 'read-write'
  const isKnown = ['read-write', 'primary'].includes(attributes)
  return (
    isKnown && servers.length > 0 && servers.every((url) => URL.canParse(url) && new URL(url).host !== '')
  )
}

/** @throws the system's error if the file cannot be read. */
export const readPassword = (path: string): string => readFileSync(path, 'utf8').replace(/\r?\n$/, '')

/** Servers and database for messages, without user and password. */
export function whereIs(url: string): string {
  const servers = serversOf(url).map((each) => new URL(each))
  const hosts = servers.map(({ hostname, port }) => `${hostname}:${port === '' ? '5432' : port}`)
  return `${hosts.join(',')}${servers[0]!.pathname}`
}

/**
 * Opens one connection to the first server that takes writes. Bun reopens a connection after a loss: to prevent that, close it
 * in `onClose`.
 * @throws the error of the last server that was tried.
 */
export async function connect(
  name: string,
  settings: PostgresSettings,
  statementTimeoutMs: number,
  onClose: (sql: SQL) => void = () => {},
): Promise<Connected> {
  let error: unknown
  for (const url of serversOf(settings.databaseUrl)) {
    try {
      return await connectTo(url, name, settings, statementTimeoutMs, onClose)
    } catch (thrown) {
      error = thrown
    }
  }
  throw error
}

async function connectTo(
  url: string,
  name: string,
  { databasePasswordFile, databaseConnectTimeoutMs }: PostgresSettings,
  statementTimeoutMs: number,
  onClose: (sql: SQL) => void,
): Promise<Connected> {
  const sql = new SQL({
    url,
    ...(databasePasswordFile === undefined ? {} : { password: readPassword(databasePasswordFile) }),
    // One statement at a time: earlier releases of Bun mixed up the results of several statements on one connection
    // (oven-sh/bun pull requests 32772 and 33627).
    max: 1,
    // In seconds; fractions are allowed.
    connectionTimeout: databaseConnectTimeoutMs / 1000,
    connection: { application_name: name, statement_timeout: statementTimeoutMs },
    onclose: () => onClose(sql),
  })
  try {
    await sql.connect()
    // It is on in a server in recovery, and if an administrator has forbidden writes.
    const [{ read_only: readOnly, server }] = await sql.unsafe(
      `SELECT current_setting('transaction_read_only') AS read_only, pg_postmaster_start_time()::text AS server`,
    )
    if (readOnly === 'on') throw new ReadOnlyServer(`${whereIs(url)} takes no writes: it is a standby`)
    return { sql, server: server as string }
  } catch (error) {
    void sql.close({ timeout: 0 })
    throw error
  }
}
