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
import committed from '../gateway.toml' with { type: 'text' }
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

/** The file of a gateway without GATEWAY_CONFIG. It is a part of the program, so a compiled gateway has it, too. */
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
  const file = attempt(() =>
    named === undefined || named === ''
      ? readGatewayFile(COMMITTED_FILE, env, committed)
      : readGatewayFile(named, env),
  )
  if (!settings || !file) throw new ConfigError(problems)
  return Object.freeze({ ...settings, ...file })
}
