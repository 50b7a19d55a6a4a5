/** Binding a port, with an error that says which one is taken and what to do. */
import { closeSync, openSync } from 'node:fs'
import { type ProcessConfig, variableName } from './config.ts'

/** Why a family cannot start, in words for whoever started it. */
export class StartError extends Error {
  override name = 'StartError'
}

/** Host and port as they stand in a URL, where an IPv6 address has brackets (RFC 3986 section 3.2.2). */
export const authorityOf = (hostname: string, port: number): string =>
  `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`

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
    const address = authorityOf(config[hostKey], config[portKey])
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

/**
 * Binds the traffic port alone for a moment: later several workers share it, and would share it with a stranger, too.
 * @returns the port, also where 0 was asked for.
 * @throws {StartError} where it cannot be bound.
 */
export const findPort = (prefix: string, config: ProcessConfig): Promise<number> =>
  bind(prefix, 'traffic', config, async () => {
    const { host: hostname } = config
    const port = config.port === 0 ? freePort(hostname) : config.port
    await Bun.serve({ hostname, port, reusePort: false, fetch: () => new Response() }).stop(true)
    return port
  })

const FIRST_PORT = 10_000
/** Where `ip_local_port_range` of Linux begins: from here on the kernel gives ports to clients. */
const FIRST_CLIENT_PORT = 32_768

/** A port that nobody listened on a moment ago, and that no client has or gets before it is bound. */
export function freePort(hostname = '127.0.0.1'): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (FIRST_CLIENT_PORT - FIRST_PORT))
    try {
      Bun.listen({ hostname, port, socket: { data() {} } }).stop()
      return port
    } catch (error) {
      // What is wrong with the host is told by whoever listens there.
      if ((error as { code?: string }).code !== 'EADDRINUSE') return port
    }
  }
}

/** Connections that a worker may have before one of them has a higher file number than its listener. */
const FILES_BELOW = 512

/**
 * Calls `listen` while low file numbers are taken, so that listeners get high ones and connections low ones. Linux
 * closes the files of a killed process from the last to the first: else a client that has just lost its connection to a
 * dying worker may come back to that worker's listener, and lose the next one, too.
 */
export async function listenHigh<T>(listen: () => T | Promise<T>): Promise<T> {
  const files: number[] = []
  try {
    while (files.length < FILES_BELOW) files.push(openSync('/dev/null', 'r'))
  } catch {
    // The limit of open files is low: as far as it goes.
    for (const file of files.splice(files.length / 2)) closeSync(file)
  }
  try {
    return await listen()
  } finally {
    for (const file of files) closeSync(file)
  }
}
