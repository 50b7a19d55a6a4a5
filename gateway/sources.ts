/**
 * Where an upstream's targets come from: an address, the addresses of a host name, or the sockets in a folder. Whatever
 * can change is looked at again and again; a folder also tells at once.
 */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { type Address, parseAddress } from './address.ts'

/** Addresses by what makes each of them another target. */
export type Found = ReadonlyMap<string, Address>

export interface Source {
  /** Looks, and tells what is there. Where that cannot be found out, nothing is told. */
  look(): void | Promise<void>
  close(): void
}

/** The source of what stands in the file. */
export function sourceOf(text: string, tell: (found: Found) => void): Source {
  const address = parseAddress(text)
  if ('unix' in address)
    return address.unix.includes('*') ? new Folder(address.unix, tell) : fixed(address, tell)
  return isIP(address.hostname) === 0 ? named(address, tell) : fixed(address, tell)
}

const fixed = (address: Address, tell: (found: Found) => void): Source => ({
  look: () => tell(new Map([[JSON.stringify(address), address]])),
  close() {},
})

const named = (
  { hostname, port }: { hostname: string; port: number },
  tell: (found: Found) => void,
): Source => ({
  async look() {
    // A name server that is gone, or a name that is, takes no target away: what does not answer is ejected.
    const addresses = ofOneFamily(await lookup(hostname, { all: true }).catch(() => []))
    if (addresses.length === 0) return
    tell(new Map(addresses.map(({ address }) => [address, { hostname: address, port }])))
  },
  close() {},
})

/** A server with an address of each kind is one target, not two: its IPv4 address, if it has one. */
export function ofOneFamily<Found extends { family: number }>(addresses: readonly Found[]): readonly Found[] {
  const ofFour = addresses.filter(({ family }) => family === 4)
  return ofFour.length > 0 ? ofFour : addresses
}

/** Socket files by a pattern. A file that takes another one's place is another target: a worker and its successor. */
class Folder implements Source {
  readonly #folder: string
  readonly #name: RegExp
  readonly #tell: (found: Found) => void
  #watcher: FSWatcher | undefined

  constructor(pattern: string, tell: (found: Found) => void) {
    this.#folder = dirname(pattern)
    const parts = basename(pattern).split('*')
    this.#name = new RegExp(`^${parts.map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)
    this.#tell = tell
  }

  look(): void {
    this.#watcher ??= this.#watch()
    const files = this.#files()
    if (files !== undefined) this.#tell(new Map(files))
  }

  close(): void {
    this.#watcher?.close()
  }

  /** @returns `undefined` where nobody can tell: then all is as it was. */
  #files(): [string, Address][] | undefined {
    try {
      return readdirSync(this.#folder)
        .filter((name) => this.#name.test(name))
        .flatMap((name) => {
          const unix = join(this.#folder, name)
          const file = statSync(unix, { throwIfNoEntry: false })
          return file?.isSocket() ? [[`${unix} ${file.ino} ${file.ctimeMs}`, { unix }]] : []
        })
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : undefined
    }
  }

  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(this.#folder, (_, name) => {
        if (name === null || this.#name.test(name)) this.look()
      })
      const stop = () => {
        watcher.close()
        this.#watcher = undefined
      }
      return watcher.on('error', stop)
    } catch {
      return undefined
    }
  }
}
