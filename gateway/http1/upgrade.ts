/** Reads `Upgrade` (RFC 9110 section 7.8): a list of protocols, each a name with an optional version. */

const PROTOCOL = /^[\w!#$%&'*+\-.^`|~]+(\/[\w!#$%&'*+\-.^`|~]+)?$/
/** Protocols that carry requests: those would pass through the tunnel unread. */
const CARRIES_REQUESTS = /^(http|h2c?|h3|tls)(\/|$)/i

/** @returns the protocols that a tunnel may carry; `undefined` if there are none, or one is malformed */
export function tunnelProtocols(protocols: readonly string[]): string[] | undefined {
  if (!protocols.every((protocol) => PROTOCOL.test(protocol))) return undefined
  const allowed = protocols.filter((protocol) => !CARRIES_REQUESTS.test(protocol))
  return allowed.length > 0 ? allowed : undefined
}

/** Whether the chosen protocols are among the offered ones. A version counts if both name one. */
export const isOffered = (chosen: readonly string[], offered: readonly string[] | undefined): boolean =>
  chosen.every((protocol) => offered?.some((other) => isSame(protocol.toLowerCase(), other.toLowerCase())))

function isSame(one: string, other: string): boolean {
  const [[name, version], [otherName, otherVersion]] = [one.split('/'), other.split('/')]
  return name === otherName && (version ?? otherVersion) === (otherVersion ?? version)
}
