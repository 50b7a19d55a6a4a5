/** TLS to a target, for requests and for checks. */
import type { Address } from '../config/address.ts'
import type { ClientTls } from '../config/tls.ts'

/** The TLS options for an address; `undefined` for plain text. Bun verifies chain and name by default. */
export const tlsOptions = (address: Address, tls: ClientTls | undefined): object | undefined =>
  'unix' in address || address.serverName === undefined
    ? undefined
    : { serverName: address.serverName, ...tls }
