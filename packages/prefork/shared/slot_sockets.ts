/**
 * The sockets of slots: beside the port each worker listens on a unix socket of its slot, for a gateway on the same machine.
 * A worker binds a private path and renames it over that of its slot. From then on new connections reach this worker, the
 * worker before it serves the connections that it has, and no connection is lost in an accept queue. Bun leaves socket
 * files behind; the master removes them.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { StartError } from './bind.ts'

/** sun_path holds 108 bytes, the last one is 0 (unix(7)). */
const LONGEST_PATH = 107

/** Workers of a master that was killed a moment ago end within this time. */
const LAST_ONE_ENDS_WITHIN_MS = 1000
const LOOK_EVERY_MS = 50

/** The path that the worker of a region binds. A region has one worker at a time. */
const privatePath = (folder: string, name: string, region: number): string =>
  join(folder, `.${name}.${hostname()}.${region}`)

/** The path where the gateway finds the worker of a slot. */
const slotPath = (folder: string, name: string, slot: number): string =>
  join(folder, `${name}.${hostname()}.${slot}.sock`)

/** Whether a process accepts connections there. The file alone does not show it. */
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
   * Makes the folder, and removes the files that an earlier cluster of this name left there.
   * @throws {StartError} if the folder cannot be used, or if a cluster of this name uses it now.
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

  /** @returns the path that a worker binds before it is ready. A file that is there belonged to a worker that has ended. */
  private(region: number): string {
    const path = privatePath(this.#folder, this.#name, region)
    rmSync(path, { force: true })
    return path
  }

  /** From now on the worker of this region gets the new connections of its slot. */
  publish(region: number, slot: number): void {
    renameSync(privatePath(this.#folder, this.#name, region), slotPath(this.#folder, this.#name, slot))
  }

  /** Removes the socket of a slot without a worker, so that the gateway does not send requests there. */
  withdraw(slot: number): void {
    rmSync(slotPath(this.#folder, this.#name, slot), { force: true })
  }

  remove(): void {
    for (const path of this.#files()) rmSync(path, { force: true })
  }

  /** All socket files of this name and host. There are none if the folder was removed. */
  #files(): string[] {
    if (!existsSync(this.#folder)) return []
    const host = hostname()
    const own = [`${this.#name}.${host}.`, `.${this.#name}.${host}.`]
    return readdirSync(this.#folder)
      .filter((file) => own.some((prefix) => file.startsWith(prefix)))
      .map((file) => join(this.#folder, file))
  }
}
