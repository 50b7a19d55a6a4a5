/** Checks the settings of addresses, which a schema cannot: each by itself, and the two ports together. */
import { isIP } from 'node:net'
import { type ProcessConfig, variableName } from './config.ts'

type AddressSettings = Pick<ProcessConfig, 'host' | 'port' | 'adminHost' | 'adminPort'>

const HOST_NAME = /^[a-z\d_]([a-z\d_.-]*[a-z\d_.])?$/i
const ALL_ADDRESSES = new Set(['0.0.0.0', '::'])

/** @returns a line for each problem. */
export function addressProblems(config: AddressSettings, prefix: string): string[] {
  const problems: string[] = []
  for (const key of ['host', 'adminHost'] as const) {
    const host = config[key]
    if (isIP(host) === 0 && !HOST_NAME.test(host)) {
      problems.push(
        `${variableName(prefix, key)}=${JSON.stringify(host)} is not allowed: ` +
          'must be an address (IPv6 without brackets) or a host name',
      )
    }
  }
  const { host, port, adminHost, adminPort } = config
  const isShared = host === adminHost || ALL_ADDRESSES.has(host) || ALL_ADDRESSES.has(adminHost)
  if (port !== 0 && port === adminPort && isShared) {
    problems.push(
      `${variableName(prefix, 'port')} and ${variableName(prefix, 'adminPort')} are both ${port}: set one to another port`,
    )
  }
  return problems
}
