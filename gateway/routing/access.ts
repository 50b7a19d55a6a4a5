/** Which clients a route admits, and how often: `allow`, `deny` and `rate`. */
import type { RouteConfig } from '../config/gateway_file.ts'
import { Networks } from '../forward/networks.ts'
import type { Rate, RateTable } from '../io/rate_table.ts'
import { type LocalReply, problemReply } from './local_reply.ts'

const NANOSECONDS = 1e9

export class Access {
  readonly #allow: Networks | undefined
  readonly #deny: Networks | undefined
  readonly #rate: Rate | undefined
  readonly #isPerClient: boolean

  /** @param onLimited called for each request above the rate */
  constructor(
    readonly route: RouteConfig,
    readonly table: RateTable | undefined,
    readonly onLimited: () => void,
  ) {
    const { allow, deny, rate } = route
    this.#allow = allow && new Networks(allow)
    this.#deny = deny && new Networks(deny)
    this.#rate = rate && {
      requests: rate.requests,
      perMs: durationMs(rate.per),
      burst: rate.burst ?? rate.requests,
    }
    this.#isPerClient = rate?.key !== 'route'
  }

  /** @returns the reply to a client that is not admitted */
  check(client: string): LocalReply | undefined {
    if (this.#deny?.has(client) === true || this.#allow?.has(client) === false)
      return problemReply(403, 'This address may not use this route')
    if (this.#rate === undefined || this.table === undefined) return undefined
    const key = this.#isPerClient ? networkOf(client) : ''
    const waitNs = this.table.take(`${this.route.id} ${key}`, this.#rate)
    return waitNs === 0n ? undefined : this.#tooMany(this.#rate, Number(waitNs))
  }

  /** RFC 6585 section 4; fields of draft-ietf-httpapi-ratelimit-headers. */
  #tooMany({ requests, perMs, burst }: Rate, waitNs: number): LocalReply {
    this.onLimited()
    const seconds = Math.ceil(waitNs / NANOSECONDS)
    return problemReply(429, 'There are too many requests', {
      'Retry-After': String(seconds),
      RateLimit: `"${this.route.id}";r=0;t=${seconds}`,
      'RateLimit-Policy': `"${this.route.id}";q=${requests};w=${Math.ceil(perMs / 1000)};burst=${burst}`,
    })
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `1m` in milliseconds. */
export function durationMs(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? []
  return Number(count) * (UNITS[unit] ?? 0)
}

/** An IPv4 address, or the network of an IPv6 address that one client usually has. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const rest = tail === undefined ? [] : tail.split(':').filter((group) => group !== '')
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0')
  const all = tail === undefined ? groups : [...groups, ...zeros, ...rest]
  return all
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')
}
