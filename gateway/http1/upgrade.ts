/** Reads `Upgrade` (RFC 9110 section 7.8): a list of protocols, each a name with an optional version. */

const PROTOCOL = /^[\w!#$%&'*+\-.^`|~]+(\/[\w!#$%&'*+\-.^`|~]+)?$/
/** Protocols that carry requests: those would pass through the tunnel unread. */
const CARRIES_REQUESTS = /^(http|h2c?|h3|tls)(\/|$)/i

/** @returns the protocols of all lines that a tunnel may carry; `undefined` if there are none, or a line is malformed */
export function tunnelProtocols(values: readonly string[]): string[] | undefined {
  const protocols = values
    .flatMap((value) => value.split(','))
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '')
  if (!protocols.every((protocol) => PROTOCOL.test(protocol))) return undefined
  const allowed = protocols.filter((protocol) => !CARRIES_REQUESTS.test(protocol))
  return allowed.length > 0 ? allowed : undefined
}

/** Whether the chosen protocols are among the offered ones. */
export const isOffered = (chosen: readonly string[], offered: readonly string[] | undefined): boolean =>
  chosen.every((protocol) => offered?.some((other) => other.toLowerCase() === protocol.toLowerCase()))
