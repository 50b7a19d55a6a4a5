/** Names of hosts in the file, in the form in which requests are compared with them (RFC 9110 section 4.2.3, RFC 5891). */
import { domainToASCII } from 'node:url'

export const HOST = 'a host without a port, like pets.example or *.pets.example'

const NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/
const LITERAL = /^\[[0-9a-f:.]+\]$/

/**
 * Small letters, no dot at the end, international names in ASCII.
 * @returns `undefined` if no request can have such a host
 */
export function hostPattern(text: string): string | undefined {
  if (LITERAL.test(text.toLowerCase())) return text.toLowerCase()
  const name = text.replace(/\.$/, '')
  const isWildcard = name.startsWith('*.')
  const ascii = domainToASCII(isWildcard ? name.slice(2) : name).toLowerCase()
  const pattern = isWildcard ? `*.${ascii}` : ascii
  return ascii !== '' && NAME.test(pattern) ? pattern : undefined
}

/** The hosts of a route; none: every host. */
export const hostsOf = (route: { host?: string | undefined; hosts?: string[] | undefined }): string[] =>
  (route.hosts ?? (route.host === undefined ? [] : [route.host])).map((host) => hostPattern(host) ?? host)
