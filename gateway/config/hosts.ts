/** Names of hosts in the file, in the form in which requests are compared with them (RFC 9110 section 4.2.3, RFC 5891). */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { shortestLiteral } from '../http1/host.ts'

export const HOST = 'a host without a port, like pets.example or *.pets.example'

const NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/

/**
 * Small letters, no dot at the end, international names in ASCII, IPv6 addresses in their shortest form.
 * @returns `undefined` if no request can have such a host
 */
export function hostPattern(text: string): string | undefined {
  if (text.startsWith('['))
    return isIP(text.slice(1, -1)) === 6 && text.endsWith(']') ? shortestLiteral(text) : undefined
  const name = text.replace(/\.$/, '')
  const isWildcard = name.startsWith('*.')
  const ascii = domainToASCII(isWildcard ? name.slice(2) : name).toLowerCase()
  const pattern = isWildcard ? `*.${ascii}` : ascii
  return ascii !== '' && NAME.test(pattern) ? pattern : undefined
}

/** The hosts of a route; none: every host. */
export const hostsOf = (route: { host?: string | undefined; hosts?: string[] | undefined }): string[] =>
  (route.hosts ?? (route.host === undefined ? [] : [route.host])).map((host) => hostPattern(host) ?? host)
