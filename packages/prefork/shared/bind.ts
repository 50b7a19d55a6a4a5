/** Binds ports. An error says which port is taken and what to do about it. */
import { lookup } from 'node:dns/promises'
import { closeSync, openSync } from 'node:fs'
import { isIP } from 'node:net'
import { type ProcessConfig, variableName } from './config.ts'
import { readListenerProcess } from './procfs.ts'

/** Why a cluster cannot start, in words for its operator. */
export class StartError extends Error {
  override name = 'StartError'
}

export class PortTakenError extends StartError {}

/** Host and port as they stand in a URL, where an IPv6 address has brackets (RFC 3986 section 3.2.2). */
export const authorityOf = (hostname: string, port: number): string =>
  `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`

/**
 * Calls `listen` and translates the errors of a bad address.
 * @throws {StartError} if the address is taken or cannot be used.
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
    const noAddress = `${address} is no address of this machine: set ${variableName(prefix, hostKey)}`
    // For a name without an address Bun's error has any code.
    if (isIP(config[hostKey]) === 0 && !(await hasAddress(config[hostKey]))) throw new StartError(noAddress)
    switch ((error as { code?: string }).code) {
      case 'EADDRINUSE':
        throw new PortTakenError(portTaken(config[hostKey], config[portKey], variable))
      case 'EACCES':
        throw new StartError(`no permission to listen on ${address}: set ${variable} to a port above 1023`)
      case 'EADDRNOTAVAIL':
        throw new StartError(noAddress)
      default:
        throw error
    }
  }
}

const LONGEST_COMMAND = 200

/**
 * Says that a port is taken, which process listens there if that can be known, and what to do.
 * @param variable sets the port, if there is one that does
 */
export function portTaken(hostname: string, port: number, variable?: string): string {
  const holder = readListenerProcess(port)
  return [
    `port ${port} is taken: stop what listens on ${authorityOf(hostname, port)}`,
    variable === undefined ? '' : ` or set ${variable}`,
    holder ? ` (process ${holder.pid} listens there: ${holder.command.slice(0, LONGEST_COMMAND)})` : '',
  ].join('')
}

const hasAddress = (host: string): Promise<boolean> =>
  lookup(host).then(
    () => true,
    () => false,
  )

/**
 * Binds the traffic port for a moment without sharing it. Workers share the port, and would also share it with a process of
 * another program: that is an error unless `sharePort` allows it.
 * @returns the port, also if port 0 was asked for.
 * @throws {StartError} if the port cannot be bound.
 */
export const findPort = (prefix: string, config: ProcessConfig): Promise<number> =>
  bind(prefix, 'traffic', config, () => {
    const { host: hostname } = config
    const port = config.port === 0 ? freePort(hostname) : config.port
    // A listener that shares the port would be given connections, even if it closes at once.
    if (config.sharePort === 'no') tryPort(hostname, port)
    return port
  })

/** Listens on a port for a moment, without sharing it. */
const tryPort = (hostname: string, port: number): void =>
  Bun.listen({ hostname, port, socket: { data() {} } }).stop()

const FIRST_PORT = 10_000
/** The start of Linux's `ip_local_port_range`: the kernel gives ports from here on to clients. */
const FIRST_CLIENT_PORT = 32_768

/** @returns a port that is free, and that the kernel gives to no client before it is bound. */
export function freePort(hostname = '127.0.0.1'): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (FIRST_CLIENT_PORT - FIRST_PORT))
    try {
      tryPort(hostname, port)
      return port
    } catch (error) {
      // A bad host name is reported by the caller, which binds the port itself.
      if ((error as { code?: string }).code !== 'EADDRINUSE') return port
    }
  }
}

/** How many connections a worker can have before one of them has a higher file number than its listener. */
const FILES_BELOW = 512

/**
 * Calls `listen` while low file numbers are taken, so that listeners get high ones and connections low ones. Linux closes
 * the files of a killed process from the highest number to the lowest, so its listeners go first. Otherwise a client that
 * loses its connection to a dying worker may reconnect to the listener of the same worker, and lose that one too.
 */
export async function listenHigh<T>(listen: () => T | Promise<T>): Promise<T> {
  const files: number[] = []
  try {
    while (files.length < FILES_BELOW) files.push(openSync('/dev/null', 'r'))
  } catch {
    // The limit of open files is low: half of the numbers below it must do.
    for (const file of files.splice(files.length / 2)) closeSync(file)
  }
  try {
    return await listen()
  } finally {
    for (const file of files) closeSync(file)
  }
}
