/**
 * Opens the SQLite file. WAL with `synchronous=NORMAL`: an acknowledged write survives the death of any process;
 * only a power cut can take the last ones (sqlite.org/pragma.html#pragma_synchronous).
 */
import { Database } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** How long a statement waits for another writer. The wait blocks the event loop, hence so short. */
const BUSY_TIMEOUT_MS = 250

/** Starting up, nobody waits for an answer yet, and another process may be migrating. */
const BOOT_BUSY_TIMEOUT_MS = 10_000

/** @throws Error that says which file, and that the variable named it. */
export function openFile(path: string, variable: string): Database {
  try {
    mkdirSync(dirname(path), { recursive: true })
    const db = new Database(path, { create: true, strict: true })
    waitForLocks(db, BOOT_BUSY_TIMEOUT_MS)
    db.run('PRAGMA journal_mode = WAL')
    db.run('PRAGMA synchronous = NORMAL')
    db.run('PRAGMA foreign_keys = ON')
    db.run('PRAGMA temp_store = MEMORY')
    return db
  } catch (error) {
    const { message } = error as Error
    throw new Error(`cannot use the SQLite file ${path}: ${message}: correct ${variable}`, { cause: error })
  }
}

/** From here on requests wait: fail fast with SQLITE_BUSY rather than hold up everybody else. */
export const serveWith = (db: Database): void => waitForLocks(db, BUSY_TIMEOUT_MS)

/** Whether an error says that another writer held the database for too long. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')

function waitForLocks(db: Database, timeoutMs: number): void {
  db.run(`PRAGMA busy_timeout = ${timeoutMs}`)
}
