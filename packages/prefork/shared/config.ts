/**
 * Reads configuration from environment variables: a TypeBox schema in, a frozen object or the full list of problems out.
 * A process declares each setting once; names, defaults, bounds and help text all come from that declaration. No other
 * file reads the environment.
 */
import type { Static, TObject, TSchema } from '@sinclair/typebox'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { automaticWorkers } from './parallelism.ts'
import { type Environment, serviceLinks } from './service_links.ts'

export type { Environment }

/** All that is wrong with a configuration, one line for each problem. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'))
  }
}

/** The default for the metrics of one worker. A master takes less where this does not fit. */
export const DEFAULT_METRICS_BYTES = 1_048_576

/** A week. A longer time is meant to be 0 (never). */
const LONGEST_MS = 604_800_000

/** The settings that every cluster has. The default ports differ between clusters, so they are arguments. */
export const processSettings = (defaults: { port: number; adminPort: number }) => ({
  host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'address that serves traffic' }),
  port: port(defaults.port, 'port that serves traffic; 0 picks a free one'),
  sharePort: Type.Union(
    (['no', 'yes'] as const).map((answer) => Type.Literal(answer)),
    {
      default: 'no',
      description:
        'yes: starts also while another cluster on this port shares it; both accept connections until one stops',
    },
  ),
  adminHost: Type.String({
    minLength: 1,
    default: '127.0.0.1',
    description: 'address of the admin server: /metrics, /stats, /healthz, /readyz',
  }),
  adminPort: port(defaults.adminPort, 'port of the admin server; 0 picks a free one'),
  workers: Type.Integer({
    minimum: 0,
    maximum: 1000,
    default: 2,
    description:
      'worker processes; 0: the app runs in this process; auto: one for each processor that it may use',
    auto: automaticWorkers,
  }),
  maxWorkers: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description:
        'most workers that SIGTTIN can make; without it four times `WORKERS`, at least 8, or what has room',
    }),
  ),
  bootTimeoutMs: milliseconds(
    60_000,
    'milliseconds after which a worker that is not ready is killed, migrations not counted; 0: never',
  ),
  harakiriMs: milliseconds(
    30_000,
    'milliseconds after which a worker whose event loop is blocked is killed; 0: never',
  ),
  maxRequests: integer(0, 1e12, 0, 'requests after which a worker is replaced; 0: never'),
  maxRequestsDelta: integer(0, 1e12, 0, 'how many more for each further worker, so that not all go at once'),
  maxLifetimeMs: milliseconds(0, 'milliseconds after which a worker is replaced; 0: never'),
  reloadOnRssBytes: integer(0, 1e15, 0, 'resident memory at which a worker is replaced; 0: never'),
  lameDuckMs: milliseconds(
    1500,
    'milliseconds for which a stopping worker goes on accepting and says `Connection: close` in every response',
  ),
  drainMs: milliseconds(10_000, 'milliseconds that requests in flight then get to finish'),
  metricsBytesPerWorker: integer(
    65_536,
    2 ** 30,
    DEFAULT_METRICS_BYTES,
    'shared memory for the metrics of one worker',
  ),
  metricsDir: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'folder of the shared memory; without it /dev/shm, or else the folder for temporary files',
    }),
  ),
  socketDir: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'folder where each worker also listens on a unix socket of its own, for a gateway beside it',
    }),
  ),
  logLevel: Type.Union(
    (['debug', 'info', 'warn', 'error'] as const).map((level) => Type.Literal(level)),
    { default: 'info', description: 'least severe level that is logged' },
  ),
})

/** The values of {@link processSettings}. */
export type ProcessConfig = Static<TObject<ReturnType<typeof processSettings>>>

/** `adminPort` of a process with the prefix `DOGS` is `DOGS_ADMIN_PORT`. */
export const variableName = (prefix: string, key: string): string =>
  `${prefix}_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`

/**
 * Reads the variables that start with `<prefix>_`. An empty variable counts as absent, and so do those of a Kubernetes Service.
 * @throws {ConfigError} that names every bad and every unknown variable.
 */
export function readConfig<T extends TObject>(
  schema: T,
  prefix: string,
  env: Environment,
): Readonly<Static<T>> {
  const keyOf = new Map(Object.keys(schema.properties).map((key) => [variableName(prefix, key), key]))
  const links = new Set(serviceLinks(prefix, env))
  const config: Record<string, unknown> = {}
  const problems: string[] = []

  for (const [name, key] of keyOf) {
    const property = schema.properties[key]!
    const text = links.has(name) ? undefined : env[name]
    const value = text === undefined || text === '' ? property.default : convert(property, text)
    if (value === undefined) continue
    if (Value.Check(property, value)) config[key] = value
    else problems.push(`${name}=${JSON.stringify(text)} is not allowed: must be ${allowed(property)}`)
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith(`${prefix}_`) && !keyOf.has(name) && !links.has(name)) {
      problems.push(`${name} is not a setting: did you mean ${nearest(name, [...keyOf.keys()])}?`)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config) as Static<T>
}

/** The table of settings that READMEs have: a row `| variable | default | meaning |` for each setting. */
export function settingsTable(schema: TObject, prefix: string): string {
  const rows = Object.entries(schema.properties).map(
    ([key, property]) =>
      `| \`${variableName(prefix, key)}\` | ${property.default ?? 'none'} | ${property.description}; ${allowed(property)} |`,
  )
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

/** Describes the values that a setting may have. */
export function allowed(schema: TSchema): string {
  if (schema.type === 'integer') {
    return `an integer from ${schema.minimum} to ${schema.maximum}${schema.auto ? ', or auto' : ''}`
  }
  if (schema.anyOf) return `one of ${schema.anyOf.map((option: TSchema) => option.const).join(', ')}`
  return schema.minLength ? 'a non-empty string' : 'a string'
}

/** @returns the known name with the smallest edit distance (Levenshtein). */
export function nearest(name: string, known: readonly string[]): string {
  const distance = (other: string): number => {
    let row = Array.from({ length: other.length + 1 }, (_, i) => i)
    for (let i = 1; i <= name.length; i++) {
      const next = [i]
      for (let j = 1; j <= other.length; j++) {
        const substitution = row[j - 1]! + (name[i - 1] === other[j - 1] ? 0 : 1)
        next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1))
      }
      row = next
    }
    return row[other.length]!
  }
  return known.reduce((best, candidate) => (distance(candidate) < distance(best) ? candidate : best))
}

function integer(minimum: number, maximum: number, byDefault: number, description: string) {
  return Type.Integer({ minimum, maximum, default: byDefault, description })
}

function port(defaultPort: number, description: string) {
  return integer(0, 65_535, defaultPort, description)
}

function milliseconds(byDefault: number, description: string) {
  return integer(0, LONGEST_MS, byDefault, description)
}

/** Text that is no number stays text, so that the check refuses it and the message can show it. */
function convert(schema: TSchema, text: string): unknown {
  if (schema.auto && text === 'auto') return schema.auto()
  return schema.type === 'integer' && /^-?\d+$/.test(text) ? Number(text) : text
}
