/** The command line of `prefork`: the file of the app, and a flag for each setting. Flags win over environment variables. */
import { type TObject, Type } from '@sinclair/typebox'
import { parseArgs } from 'node:util'
import {
  allowed,
  ConfigError,
  type Environment,
  nearest,
  type ProcessConfig,
  processSettings,
  readConfig,
  variableName,
} from '../shared/config.ts'

export const PREFIX = 'PREFORK'

const SETTINGS = processSettings({ port: 8080, adminPort: 9080 })
const schema = Type.Object(SETTINGS)

export type CommandLine =
  { file: string; name: string | undefined; settings: Record<string, string> } | 'help'

/** `adminPort` is `--admin-port`. */
export const flagName = (key: string): string => `--${key.replaceAll(/[A-Z]/g, '-$&').toLowerCase()}`

const FLAGS = new Map(Object.keys(SETTINGS).map((key) => [flagName(key), key]))
/** It is part of file names. */
const NAME = /^[\w.-]+$/
const OWN_FLAGS = ['--help', '--name']

/** @throws {ConfigError} that names every bad flag. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const names = [...FLAGS.keys(), '--name']
  const { tokens, values, positionals } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      ...Object.fromEntries(names.map((name) => [name.slice(2), { type: 'string' as const }])),
    },
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  if (values.help) return 'help'
  const problems = tokens.flatMap((token) => {
    if (token.kind !== 'option') return []
    if (!names.includes(`--${token.name}`)) {
      return [
        `${token.rawName} is not a flag: did you mean ${nearest(token.rawName, [...names, ...OWN_FLAGS])}?`,
      ]
    }
    return token.value === undefined ? [`${token.rawName} needs a value`] : []
  })
  const { name } = values as { name?: string }
  if (name !== undefined && !NAME.test(name)) {
    problems.push(
      `--name=${JSON.stringify(name)} is not allowed: must be letters, digits, dots, dashes and underscores`,
    )
  }
  const [file, ...others] = positionals
  if (file === undefined) problems.push('the file of the app is missing: prefork app.ts')
  if (others.length > 0) problems.push(`only one app can run: ${others.join(' ')} is too much`)
  if (problems.length > 0) throw new ConfigError(problems)
  const { name: _, ...settings } = values as Record<string, string>
  return {
    file: file!,
    name,
    settings: Object.fromEntries(
      Object.entries(settings).map(([flag, value]) => [variableName(PREFIX, FLAGS.get(`--${flag}`)!), value]),
    ),
  }
}

/** @throws {ConfigError} that names flags where flags were given. */
export function readSettings(flags: Readonly<Record<string, string>>, env: Environment): ProcessConfig {
  try {
    return readConfig(schema as TObject<typeof SETTINGS>, PREFIX, { ...env, ...flags })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(error.problems.map((problem) => withFlags(problem, flags)))
  }
}

function withFlags(problem: string, flags: Readonly<Record<string, string>>): string {
  for (const [flag, key] of FLAGS) {
    const variable = variableName(PREFIX, key)
    if (variable in flags && problem.startsWith(`${variable}=`)) return problem.replace(variable, flag)
  }
  return problem
}

export function usage(): string {
  const rows = Object.entries(SETTINGS).map(([key, setting]) => {
    const byDefault = setting.default === undefined ? '' : ` (default ${setting.default})`
    return `  ${flagName(key).padEnd(28)}${setting.description}; ${allowed(setting)}${byDefault}`
  })
  return [
    'Usage: prefork <app.ts> [flags]',
    '',
    'Runs a module whose default export has `fetch` (plain Bun, Hono, Elysia) as a cluster of workers on one port.',
    'SIGHUP reloads the code without a failed request, SIGTERM drains.',
    '',
    'Flags, each also as an environment variable (--admin-port is PREFORK_ADMIN_PORT):',
    '',
    `  ${'--name'.padEnd(28)}name of the app in logs, metrics and stats (default: that of the file)`,
    ...rows,
    `  ${'--help, -h'.padEnd(28)}prints this`,
    '',
  ].join('\n')
}
