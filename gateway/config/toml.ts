/**
 * Reads a TOML file whose strings may contain environment variables: `${NAME}` and `${NAME:-default}`. An empty variable
 * counts as absent. Variables are replaced after parsing, so that no value can change the structure of the file.
 * gateway_file.ts checks the content.
 */
import { ConfigError, type Environment } from '@bun-monitoring/prefork'
import { readFileSync } from 'node:fs'

/** A parsed file, and one line for each variable that is missing in the environment. */
export interface TomlFile {
  document: unknown
  problems: string[]
}

/**
 * @param text the content, if the program has it already
 * @throws {ConfigError} if the file cannot be read or is not TOML
 */
export function readToml(path: string, env: Environment, text = read(path)): TomlFile {
  const problems: string[] = []
  return { document: fill(parse(text, path), '', env, problems), problems }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError([`${path} cannot be read: ${(error as Error).message}`])
  }
}

function parse(text: string, path: string): object {
  try {
    return Bun.TOML.parse(text)
  } catch (error) {
    throw new ConfigError([`${path} is not TOML: ${(error as Error).message}`])
  }
}

const VARIABLE = /\$\{(\w+)(?::-([^}]*))?\}/g

function fill(value: unknown, key: string, env: Environment, problems: string[]): unknown {
  if (typeof value === 'string') {
    return value.replace(VARIABLE, (_, name: string, fallback: string | undefined) => {
      const given = env[name] === '' ? undefined : env[name]
      const filled = given ?? fallback
      if (filled === undefined) problems.push(`${key}: ${name} is not set and has no default`)
      return filled ?? ''
    })
  }
  if (Array.isArray(value)) return value.map((item, i) => fill(item, `${key}[${i}]`, env, problems))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      fill(item, key === '' ? name : `${key}.${name}`, env, problems),
    ]),
  )
}
