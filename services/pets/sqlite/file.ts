/**
 * Opens the SQLite file, in WAL mode with `synchronous=NORMAL`: an acknowledged write survives the death of any process.
 * A power cut can lose the last writes (sqlite.org/pragma.html#pragma_synchronous).
 */
import { Database } from 'bun:sqlite'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** The time that a statement waits for a lock before the first request, while another process may be migrating. */
const BOOT_BUSY_TIMEOUT_MS = 10_000

/** Only the user of the service reads the rows. SQLite gives the WAL the permissions of the file. */
const FILE_MODE = 0o600

/** @throws Error with the path of the file and the variable that sets it. */
export function openFile(path: string, variable: string): Database {
  try {
    mkdirSync(dirname(path), { recursive: true })
    closeSync(openSync(path, 'a', FILE_MODE))
    const db = new Database(path, { create: true, strict: true })
    setBusyTimeout(db, BOOT_BUSY_TIMEOUT_MS)
    db.run('PRAGMA journal_mode = WAL')
    db.run('PRAGMA synchronous = NORMAL')
    db.run('PRAGMA temp_store = MEMORY')
    return db
  } catch (error) {
    const { message } = error as Error
    throw new Error(`cannot use the SQLite file ${path}: ${message}: correct ${variable}`, { cause: error })
  }
}

/** Sets the time for which a statement blocks the event loop while it waits for a lock. */
export function setBusyTimeout(db: Database, timeoutMs: number): void {
  db.run(`PRAGMA busy_timeout = ${timeoutMs}`)
}
