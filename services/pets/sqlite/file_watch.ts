/**
 * Notices that the SQLite file was removed, replaced or overwritten under the service. SQLite itself goes on with the
 * unlinked file, and the rows of acknowledged requests would be lost with it.
 */
import { readSync, statSync, openSync, closeSync } from 'node:fs'
import type { Logger } from '@bun-monitoring/prefork'
import { Condition } from '../store/condition.ts'
import { Unavailable } from '../store/store.ts'

const CHECK_EVERY_MS = 1000

/** Offset of the two bytes that say whether a file is in WAL mode, and their value then (sqlite.org/fileformat.html). */
const MODE_OFFSET = 18
const WAL_MODE = 2

export class FileWatch {
  readonly #path: string
  /**
   * Open as long as the database: to close any descriptor of the file would end all locks of this process, and the next tool that
   * opens the file and closes it would remove the WAL (sqlite.org/howtocorrupt.html, section 2.2).
   */
  readonly #fd: number
  readonly #identity: string | undefined
  readonly #timer: Timer
  readonly #lost: Condition
  #walIdentity: string | undefined
  #loss: string | undefined

  constructor(path: string, log: Logger) {
    this.#path = path
    this.#fd = openSync(path, 'r')
    this.#identity = identityOf(path)
    this.#lost = new Condition(
      log,
      `the SQLite file ${path} was removed, replaced or overwritten: responding 503 until it is put back or the service is restarted`,
      `the SQLite file ${path} is back`,
    )
    this.#timer = setInterval(() => this.#check(), CHECK_EVERY_MS)
    this.#timer.unref()
  }

  /** The reason why the file is lost, as of the last check; `undefined` if it is not. */
  get loss(): string | undefined {
    return this.#loss
  }

  /** @throws Unavailable if the file was lost at the last check. */
  requireForRead(): void {
    if (this.#loss === undefined) return
    throw new Unavailable(
      'The database file is gone: nothing was changed',
      'FILE_LOST',
      new Error(this.#loss),
    )
  }

  /** @throws Unavailable if the file is lost now: a row must not go to a file that was unlinked since the last check. */
  requireForWrite(): void {
    if (identityOf(this.#path) !== this.#identity) this.#check()
    this.requireForRead()
  }

  /** Call it after the database is closed. */
  close(): void {
    clearInterval(this.#timer)
    closeSync(this.#fd)
  }

  #check(): void {
    this.#loss = this.#lossNow()
    if (this.#loss === undefined) this.#lost.end()
    else this.#lost.begin({ reason: this.#loss })
  }

  #lossNow(): string | undefined {
    const identity = identityOf(this.#path)
    if (identity === undefined) return `${this.#path} was removed`
    if (identity !== this.#identity) return `${this.#path} was replaced`
    if (!isInWalMode(this.#fd)) return `${this.#path} was overwritten`
    const wal = identityOf(`${this.#path}-wal`)
    if (this.#walIdentity !== undefined && wal !== this.#walIdentity) return `${this.#path}-wal was removed`
    this.#walIdentity = wal
    return undefined
  }
}

function isInWalMode(fd: number): boolean {
  const modes = Buffer.alloc(2)
  readSync(fd, modes, 0, 2, MODE_OFFSET)
  return modes.every((mode) => mode === WAL_MODE)
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats && `${stats.dev}.${stats.ino}`
}
