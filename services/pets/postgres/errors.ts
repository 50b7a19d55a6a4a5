/** Which of the client's and the server's errors mean: not now, try again. What each means for a write is told apart. */
import { SQL } from 'bun'
import { Unavailable } from '../store.ts'

/** The server refused, and rolled back what it had begun: classes or codes of appendix A of its manual. */
const ROLLED_BACK = /^(?:53|40001|40P01|55P03|57014|25006)/

/** It is going away or coming up. */
const GOING = /^(?:08|57P)/

/** Logins that no repetition will make good. */
const HOPELESS = /^(?:28|3D000|42501)/

/** Bun's own codes for a connection that is not there or broke. */
const BROKEN = /^ERR_POSTGRES_(?:CONNECTION|IDLE|LIFETIME)/

const isPostgres = (error: unknown): error is SQL.PostgresError => error instanceof SQL.PostgresError

/** A SQLSTATE where the server said one, else Bun's code. */
export const codeOf = (error: unknown): string =>
  isPostgres(error) ? (error.errno ?? error.code) : (error as Error).name

export const isHopeless = (error: unknown): boolean => HOPELESS.test(codeOf(error))

/** The error of a statement that was sent, as the store throws it. */
export function translated(error: unknown): unknown {
  const code = codeOf(error)
  if (ROLLED_BACK.test(code)) {
    return new Unavailable('The database could not do it now: nothing was changed, try again', code, error)
  }
  if (GOING.test(code) || BROKEN.test(code)) {
    return new Unavailable(
      'The connection to the database broke: if this was to change something, it is not known whether it did',
      code,
      error,
    )
  }
  return error
}
