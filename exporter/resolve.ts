/** From host names to addresses, anew at each scrape: instances behind a name come and go. */
import { isIP } from 'node:net'
import { ReadError } from './read_error.ts'
import { atAddress, type Target } from './target.ts'

/** Asks the system's name service; a parameter of what uses it, so that tests can answer themselves. */
export type Lookup = (hostname: string) => Promise<readonly { address: string; family: number }[]>

/** A name that answers with IPv4 and IPv6 addresses is one host twice: the IPv4 ones are taken where there are any. */
export const lookUp: Lookup = async (hostname) => {
  const found = await Bun.dns.lookup(hostname, { backend: 'system' })
  const ipv4 = found.filter(({ family }) => family === 4)
  return ipv4.length > 0 ? ipv4 : found
}

/**
 * The target at each address of its name.
 * @param keepsName whether the label stays as given where there is but one address. Otherwise an instance is called the
 * same before others join it and after they have left.
 * @throws {ReadError} where the name has no address.
 */
export async function resolve(target: Target, lookup: Lookup, keepsName: boolean): Promise<Target[]> {
  if ('unix' in target.at || isIP(target.at.hostname) !== 0) return [target]
  const found = await lookup(target.at.hostname).catch(() => [])
  const addresses = [...new Set(found.map(({ address }) => address))].toSorted()
  if (addresses.length === 0) throw new ReadError('its host name has no address')
  const targets = addresses.map((address) => atAddress(target, address))
  return keepsName && targets.length === 1 ? [{ ...targets[0]!, label: target.label }] : targets
}
