/**
 * The hosts and networks of `--probe.allow`. Without such a list, any client of the exporter could make it send requests
 * to any server. A host is allowed by its name, an address by its network.
 */
import { BlockList, isIP } from 'node:net'
import type { Target } from './target.ts'

/** A host name, or a network. */
export type Allowed = { name: string } | { network: BlockList }

/** Reads a host name, an address or a network in CIDR notation. */
export function parseAllowed(text: string): Allowed | undefined {
  const [address = '', prefix] = text.split('/')
  const version = isIP(address)
  if (version === 0)
    return /^[a-z\d_]([\w.-]*[a-z\d_])?$/i.test(text) ? { name: text.toLowerCase() } : undefined
  const bits = version === 4 ? 32 : 128
  const length = Number(prefix ?? bits)
  if (!Number.isInteger(length) || length < 0 || length > bits || prefix === '') return undefined
  const network = new BlockList()
  network.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6')
  return { network }
}

/** Whether a target may be probed. A name is not resolved, so a network does not allow a name with addresses in it. */
export function isAllowed({ at }: Target, allowed: readonly Allowed[]): boolean {
  if ('unix' in at) return false
  const version = isIP(at.hostname)
  return allowed.some((each) =>
    'name' in each
      ? each.name === at.hostname.toLowerCase()
      : version !== 0 && each.network.check(at.hostname, version === 6 ? 'ipv6' : 'ipv4'),
  )
}
