/**
 * Finds the targets of an upstream: a fixed address, the addresses of a host name, or the sockets in a folder. Names and
 * folders are looked up again and again; a folder is also watched.
 */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import dns from 'node:dns/promises'
import { isIP } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { type Address, parseAddress, type TcpAddress } from '../config/address.ts'

/** Addresses by the identity of the target. */
export type Found = ReadonlyMap<string, Address>

export interface Discovery {
  /** Reports the targets that exist. Reports nothing if the lookup fails. */
  look(): void | Promise<void>
  close(): void
}

/** The discovery for an entry of `targets`. */
export function discoveryOf(text: string, report: (found: Found) => void): Discovery {
  const address = parseAddress(text)
  if ('unix' in address)
    return address.unix.includes('*') ? new Folder(address.unix, report) : fixed(address, report)
  return isIP(address.hostname) === 0 ? named(address, report) : fixed(address, report)
}

const fixed = (address: Address, report: (found: Found) => void): Discovery => ({
  look: () => report(new Map([[JSON.stringify(address), address]])),
  close() {},
})

const named = ({ hostname, ...rest }: TcpAddress, report: (found: Found) => void): Discovery => ({
  async look() {
    // A failed lookup, or a name that vanished, removes no target: one that fails is ejected.
    const addresses = isLocalhost(hostname)
      ? LOOPBACK
      : await dns.lookup(hostname, { all: true }).catch(() => [])
    if (addresses.length > 0) report(new Map(addressesIn(addresses, rest)))
  },
  close() {},
})

/** RFC 6761 section 6.3: both loopback addresses, also if the hosts file names one of them. */
const LOOPBACK = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

const isLocalhost = (hostname: string): boolean => /^(.+\.)?localhost\.?$/i.test(hostname)

/**
 * The targets of a host name. A server with IPv4 and IPv6 addresses is one target, not two: its IPv4 address, with the
 * IPv6 ones as fallbacks (RFC 8305). Without IPv4 each IPv6 address is a target.
 */
export function addressesIn(
  found: readonly { address: string; family: number }[],
  rest: Omit<TcpAddress, 'hostname'>,
): [key: string, address: Address][] {
  const ofFamily = (family: number) =>
    found.filter((each) => each.family === family).map(({ address }) => address)
  const [four, six] = [ofFamily(4), ofFamily(6)]
  if (four.length === 0) return six.map((hostname) => [hostname, { ...rest, hostname }])
  const fallbacks = six.toSorted()
  return four.map((hostname) => [[hostname, ...fallbacks].join(' '), { ...rest, hostname, fallbacks }])
}

/** Socket files that match a pattern. A file that replaces another is a new target: a new worker after an old one. */
class Folder implements Discovery {
  readonly #folder: string
  readonly #name: RegExp
  readonly #report: (found: Found) => void
  #watcher: FSWatcher | undefined

  constructor(pattern: string, report: (found: Found) => void) {
    this.#folder = dirname(pattern)
    const parts = basename(pattern).split('*')
    this.#name = new RegExp(`^${parts.map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)
    this.#report = report
  }

  look(): void {
    this.#watcher ??= this.#watch()
    const files = this.#files()
    if (files !== undefined) this.#report(new Map(files))
  }

  close(): void {
    this.#watcher?.close()
  }

  /** @returns `undefined` if the folder cannot be read: then nothing changes. */
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
