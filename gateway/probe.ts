/** Asks a target how it is, on a connection of its own, as active checks do. */
import { type Address, hostOfAddress } from './address.ts'
import type { HealthConfig } from './file.ts'

/** @returns whether it answered in time, and with a status of success. */
export async function probe(address: Address, { path, timeoutMs }: HealthConfig): Promise<boolean> {
  try {
    const answer = await fetch(`http://${hostOfAddress(address)}${path}`, {
      ...('unix' in address ? { unix: address.unix } : {}),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
      // Targets are asked directly, as by requests, whatever HTTP_PROXY says.
      proxy: false,
      keepalive: false,
    })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false
  }
}
