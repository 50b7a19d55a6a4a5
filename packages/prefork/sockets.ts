/**
 * The sockets of slots: beside the port each worker listens on a unix socket of its slot, for the gateway on the same
 * machine. A worker binds a private name and renames it over the slot's: from then on new connections are its own, its
 * predecessor serves those it has, and nothing is lost in an accept queue. Bun leaves socket files behind; the master
 * removes them.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { StartError } from './bind.ts'

/** sun_path holds 108 bytes, the last one 0 (unix(7)). */
const LONGEST_PATH = 107

/** Workers whose master was killed a moment ago are about to go. */
const LAST_ONE_ENDS_WITHIN_MS = 1000
const LOOK_EVERY_MS = 50

/** The private name of the worker that writes a region; only one process at a time does. */
const privatePath = (folder: string, name: string, region: number): string =>
  join(folder, `.${name}.${hostname()}.${region}`)

/** Where the gateway finds the worker of a slot. */
const slotPath = (folder: string, name: string, slot: number): string =>
  join(folder, `${name}.${hostname()}.${slot}.sock`)

/** Whether somebody takes connections there: the file alone tells nothing. */
const isServed = (unix: string): Promise<boolean> =>
  Bun.connect({ unix, socket: { data() {} } }).then(
    (socket) => {
      socket.end()
      return true
    },
    () => false,
  )

export class SlotSockets {
  readonly #folder: string
  readonly #name: string

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
  }

  /**
   * Makes the folder, and removes what an earlier master of this name left there.
   * @throws {StartError} where the folder cannot be used, or a family of this name uses it.
   */
  async clear(): Promise<void> {
    try {
      mkdirSync(this.#folder, { recursive: true })
      const deadlineMs = performance.now() + LAST_ONE_ENDS_WITHIN_MS
      while ((await Promise.all(this.#files().map(isServed))).includes(true)) {
        if (performance.now() > deadlineMs)
          throw new Error(`another ${this.#name} serves there: stop it, or set SOCKET_DIR to another folder`)
        await Bun.sleep(LOOK_EVERY_MS)
      }
      this.remove()
    } catch (error) {
      throw new StartError(`${this.#folder} cannot hold sockets: ${(error as Error).message}`)
    }
    const longest = slotPath(this.#folder, this.#name, 1000)
    if (Buffer.byteLength(longest) > LONGEST_PATH) {
      throw new StartError(`${longest} is too long for a socket: choose a shorter SOCKET_DIR`)
    }
  }

  /** Where a worker binds, before it is ready. Whoever was bound there is gone. */
  private(region: number): string {
    const path = privatePath(this.#folder, this.#name, region)
    rmSync(path, { force: true })
    return path
  }

  /** The worker of this region serves its slot from now on. */
  publish(region: number, slot: number): void {
    renameSync(privatePath(this.#folder, this.#name, region), slotPath(this.#folder, this.#name, slot))
  }

  /** A slot without a worker: nobody is to wait there. */
  withdraw(slot: number): void {
    rmSync(slotPath(this.#folder, this.#name, slot), { force: true })
  }

  remove(): void {
    for (const path of this.#files()) rmSync(path, { force: true })
  }

  /** Of this name, by whomever. None where somebody has removed the folder. */
  #files(): string[] {
    if (!existsSync(this.#folder)) return []
    const host = hostname()
    const own = [`${this.#name}.${host}.`, `.${this.#name}.${host}.`]
    return readdirSync(this.#folder)
      .filter((file) => own.some((prefix) => file.startsWith(prefix)))
      .map((file) => join(this.#folder, file))
  }
}
