/**
 * Opens the SQLite file, in WAL mode with `synchronous=NORMAL`: an acknowledged write survives the death of any process.
 * A power cut can lose the last writes (sqlite.org/pragma.html#pragma_synchronous).
 */
import { Database } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** The time that a statement waits for another writer. It is short because the wait blocks the event loop. */
const BUSY_TIMEOUT_MS = 250

/** The same time before the first request, while another process may be migrating. */
const BOOT_BUSY_TIMEOUT_MS = 10_000

/** @throws Error with the path of the file and the variable that sets it. */
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

/** Makes statements fail fast with SQLITE_BUSY: requests wait behind them from now on. */
export const setServingTimeout = (db: Database): void => waitForLocks(db, BUSY_TIMEOUT_MS)

function waitForLocks(db: Database, timeoutMs: number): void {
  db.run(`PRAGMA busy_timeout = ${timeoutMs}`)
}
