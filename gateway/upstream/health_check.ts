/** An active health check: one request on a connection of its own. */
import { type Address, hostOfAddress } from '../config/address.ts'
import type { HealthConfig } from '../config/gateway_file.ts'

/** @returns whether a response with a status from 200 to 299 came in time */
export async function checkHealth(address: Address, { path, timeoutMs }: HealthConfig): Promise<boolean> {
  try {
    const response = await fetch(`http://${hostOfAddress(address)}${path}`, {
      ...('unix' in address ? { unix: address.unix } : {}),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
      // Without a proxy, like requests, also if HTTP_PROXY is set.
      proxy: false,
      keepalive: false,
    })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
