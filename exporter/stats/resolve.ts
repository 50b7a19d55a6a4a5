/** Resolves host names to addresses. Every scrape does so again, because instances behind a name come and go. */
import { isIP } from 'node:net'
import { ReadError } from './read_error.ts'
import { atAddress, type Target } from '../config/target.ts'

/** A name lookup; tests pass their own. */
export type Lookup = (hostname: string) => Promise<readonly { address: string; family: number }[]>

/** Asks the system's resolver. A host with IPv4 and IPv6 addresses would be read twice, so IPv4 addresses are preferred. */
export const lookUp: Lookup = async (hostname) => {
  const found = await Bun.dns.lookup(hostname, { backend: 'system' })
  const ipv4 = found.filter(({ family }) => family === 4)
  return ipv4.length > 0 ? ipv4 : found
}

/**
 * The target at each address of its host name.
 * @param keepsName whether the label keeps the name if there is only one address. If it does not, an instance keeps its
 * label when other instances start and stop.
 * @throws {ReadError} if the name has no address.
 */
export async function resolve(target: Target, lookup: Lookup, keepsName: boolean): Promise<Target[]> {
  if ('unix' in target.at || isIP(target.at.hostname) !== 0) return [target]
  const found = await lookup(target.at.hostname).catch(() => [])
  const addresses = [...new Set(found.map(({ address }) => address))].toSorted()
  if (addresses.length === 0) throw new ReadError('its host name has no address')
  const targets = addresses.map((address) => atAddress(target, address))
  return keepsName && targets.length === 1 ? [{ ...targets[0]!, label: target.label }] : targets
}
