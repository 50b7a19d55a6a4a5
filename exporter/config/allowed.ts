/**
 * The hosts and networks of `--probe.allow`. Without such a list, any client of the exporter could make it send requests
 * to any server. A host is allowed by its name, an address by its network.
 */
import { AddressList } from '@bun-monitoring/prefork'
import type { Target } from './target.ts'

/** A host name, or a network. */
export type Allowed = { name: string } | { network: AddressList }

/** Reads a host name, an address or a network in CIDR notation. */
export function parseAllowed(text: string): Allowed | undefined {
  const network = new AddressList()
  if (network.add(text)) return { network }
  return /^[a-z\d_]([\w.-]*[a-z\d_])?$/i.test(text) ? { name: text.toLowerCase() } : undefined
}

/** Whether a target may be probed. A name is not resolved, so a network does not allow a name with addresses in it. */
export function isAllowed({ at }: Target, allowed: readonly Allowed[]): boolean {
  if ('unix' in at) return false
  return allowed.some((each) =>
    'name' in each ? each.name === at.hostname.toLowerCase() : each.network.has(at.hostname),
  )
}
