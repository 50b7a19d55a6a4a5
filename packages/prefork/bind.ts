/** Binding a port, with an error that says which one is taken and what to do. */
import { type ProcessConfig, variableName } from './config.ts'

/** Why a family cannot start, in words for whoever started it. */
export class StartError extends Error {
  override name = 'StartError'
}

/**
 * Calls `listen` and translates the errors of a bad address.
 * @throws {StartError} where the address is taken or cannot be used.
 */
export async function bind<T>(
  prefix: string,
  which: 'traffic' | 'admin',
  config: ProcessConfig,
  listen: () => T | Promise<T>,
): Promise<T> {
  const [hostKey, portKey] =
    which === 'admin' ? (['adminHost', 'adminPort'] as const) : (['host', 'port'] as const)
  try {
    return await listen()
  } catch (error) {
    const address = `${config[hostKey]}:${config[portKey]}`
    const variable = variableName(prefix, portKey)
    switch ((error as { code?: string }).code) {
      case 'EADDRINUSE':
        throw new StartError(
          `port ${config[portKey]} is taken: stop what listens on ${address} or set ${variable}`,
        )
      case 'EACCES':
        throw new StartError(`no permission to listen on ${address}: set ${variable} to a port above 1023`)
      case 'EADDRNOTAVAIL':
        throw new StartError(`${address} is no address of this machine: set ${variableName(prefix, hostKey)}`)
      default:
        throw error
    }
  }
}
