/** Translates errors of PostgreSQL and of Bun's client to `Unavailable`, and tells whether a write was rolled back. */
import { SQL } from 'bun'
import { Unavailable } from '../store/store.ts'

/** SQLSTATE classes and codes (appendix A of the manual) of statements that the server rolled back. */
const ROLLED_BACK = /^(?:53|40001|40P01|55P03|57014|25006)/

/** SQLSTATE of a write on a server that takes none: it was switched to standby. */
const READ_ONLY = '25006'

/** SQLSTATE classes and codes of a server that stops or starts. */
const GOING = /^(?:08|57P)/

/** SQLSTATE classes and codes of logins that fail again when repeated. */
const HOPELESS = /^(?:28|3D000|42501)/

/** Codes of Bun's client for a connection that broke or was not made. */
const BROKEN = /^ERR_POSTGRES_(?:CONNECTION|IDLE|LIFETIME)/

const isPostgres = (error: unknown): error is SQL.PostgresError => error instanceof SQL.PostgresError

/** The SQLSTATE if the server sent one, else the code of Bun's client. */
export const codeOf = (error: unknown): string =>
  isPostgres(error) ? (error.errno ?? error.code) : (error as Error).name

export const isReadOnly = (error: unknown): boolean => codeOf(error) === READ_ONLY

export const isHopeless = (error: unknown): boolean => HOPELESS.test(codeOf(error))

/** The error that the store throws for the error of a statement. */
export function translated(error: unknown): unknown {
  const code = codeOf(error)
  if (ROLLED_BACK.test(code)) {
    return new Unavailable('The database could not do it now: nothing was changed, try again', code, error)
  }
  if (GOING.test(code) || BROKEN.test(code)) {
    return new Unavailable(
      'The connection to the database broke: it is not known whether a change was made',
      code,
      error,
    )
  }
  return error
}
