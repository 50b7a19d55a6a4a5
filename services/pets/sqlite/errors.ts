/** Translates SQLite's errors: a database that another writer holds is `Unavailable`, all other errors stay as they are. */
import { Unavailable } from '../store/store.ts'

export function translated(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!code.startsWith('SQLITE_BUSY')) return error
  return new Unavailable('The database is busy: nothing was changed, try again', code, error)
}
