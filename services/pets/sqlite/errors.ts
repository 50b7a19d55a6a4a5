/** Translates SQLite's errors: a file that is locked, full or read-only is `Unavailable`, all other errors stay as they are. */
import { Unavailable } from '../store/store.ts'

/** Result codes of writes that failed before the commit (sqlite.org/rescode.html). */
const NOT_WRITTEN = /^SQLITE_(?:FULL|READONLY|CANTOPEN|IOERR_WRITE|IOERR_SHMSIZE|IOERR_SHMOPEN)/

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

export const isBusy = (error: unknown): boolean => codeOf(error).startsWith('SQLITE_BUSY')

export function translated(error: unknown): unknown {
  const code = codeOf(error)
  if (isBusy(error)) return unavailable('is busy', code, error)
  if (NOT_WRITTEN.test(code)) return unavailable('cannot be written', code, error)
  return error
}

const unavailable = (state: string, code: string, cause: unknown): Unavailable =>
  new Unavailable(`The database ${state}: nothing was changed, try again`, code, cause)
