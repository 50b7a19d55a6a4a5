/** An active health check: one request on a connection of its own. */
import { type Address, alternativesOf, hostOfAddress } from '../config/address.ts'
import type { HealthConfig } from '../config/gateway_file.ts'
import type { ClientTls } from '../config/tls.ts'
import { tlsOptions } from './tls_options.ts'

/** @returns whether a response with an expected status came in time, from the first address that accepts connections */
export async function checkHealth(
  target: Address,
  config: HealthConfig,
  tls: ClientTls | undefined,
): Promise<boolean> {
  const signal = AbortSignal.timeout(config.timeoutMs)
  for (const address of alternativesOf(target)) {
    const status = await statusOf(address, config.path, signal, tls)
    if (status !== undefined) return isExpected(status, config.expect)
  }
  return false
}

const isExpected = (status: number, expect: readonly number[] | undefined): boolean =>
  expect?.includes(status) ?? (status >= 200 && status < 300)

/** @returns `undefined` if there is no response */
async function statusOf(
  address: Address,
  path: string,
  signal: AbortSignal,
  tls: ClientTls | undefined,
): Promise<number | undefined> {
  try {
    const options = tlsOptions(address, tls)
    const scheme = options === undefined ? 'http' : 'https'
    const response = await fetch(`${scheme}://${hostOfAddress(address)}${path}`, {
      ...('unix' in address ? { unix: address.unix } : {}),
      ...(options === undefined ? {} : { tls: options }),
      signal,
      redirect: 'manual',
      // Without a proxy, like requests, also if HTTP_PROXY is set.
      proxy: false,
      keepalive: false,
    })
    await response.body?.cancel()
    return response.status
  } catch {
    return undefined
  }
}
