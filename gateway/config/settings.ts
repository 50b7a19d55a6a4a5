/**
 * The whole configuration: settings of the process from the environment, routes and upstreams from the file that
 * `GATEWAY_CONFIG` names (see gateway_file.ts). Problems of both are reported together.
 */
import {
  ConfigError,
  type Environment,
  type ProcessConfig,
  processSettings,
  readConfig,
  variableName,
} from '@bun-monitoring/prefork'
import { Type } from '@sinclair/typebox'
import { type GatewayFile, readGatewayFile } from './gateway_file.ts'

export const PREFIX = 'GATEWAY'

export const schema = Type.Object({
  ...processSettings({ port: 8000, adminPort: 9000 }),
  config: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'path of the file with routes and upstreams; without it, the gateway.toml beside the code',
    }),
  ),
})

export interface GatewayConfig extends ProcessConfig, GatewayFile {}

const COMMITTED_FILE = `${import.meta.dir}/../gateway.toml`

/**
 * Reads the environment and the file.
 * @throws {ConfigError} with the problems of both
 */
export function readGatewayConfig(env: Environment): Readonly<GatewayConfig> {
  const problems: string[] = []
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
      return undefined
    }
  }
  const settings = attempt(() => readConfig(schema, PREFIX, env))
  // Read from the environment directly: the file is checked even if a setting is wrong.
  const named = env[variableName(PREFIX, 'config')]
  const path = named === undefined || named === '' ? COMMITTED_FILE : named
  const file = attempt(() => readGatewayFile(path, env))
  if (!settings || !file) throw new ConfigError(problems)
  return Object.freeze({ ...settings, ...file })
}
