/**
 * Reads a TOML file whose texts may name environment variables: `${NAME}` and `${NAME:-default}`, where an
 * empty variable counts as absent. They are filled after parsing, inside one text each, so that no value can
 * change the file's structure. What the file must hold is file.ts's business.
 */
import { ConfigError, type Environment } from '@bun-monitoring/prefork'
import { readFileSync } from 'node:fs'

/** A parsed file, and one line for each variable that it needs and the environment lacks. */
export interface TomlFile {
  document: unknown
  problems: string[]
}

/** @throws {ConfigError} where there is no such file, or it is not TOML. */
export function readToml(path: string, env: Environment): TomlFile {
  const problems: string[] = []
  return { document: fill(parse(read(path), path), '', env, problems), problems }
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
