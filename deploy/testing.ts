/**
 * For tests: files that deploy, as the tools that read them see them, and processes that they start, as those read their own
 * settings. So a setting that is misspelt, unknown or out of bounds is found without a cluster.
 */
import { join } from 'node:path'
import { readConfig as readFlags } from '../exporter/config.ts'
import { readGatewayConfig } from '../gateway/config.ts'
import type { ProcessConfig } from '../packages/prefork/shared/config.ts'
import { cats } from '../services/cats/model.ts'
import { dogs } from '../services/dogs/model.ts'
import { serviceConfig } from '../services/pets/config.ts'

/** A container of ours, whatever starts it. */
export interface Started {
  command: string[]
  env: Record<string, string>
}

type Settings = ProcessConfig & { databasePool?: number }

/** What each entry file makes of its environment. */
const READERS: Readonly<Record<string, (env: Record<string, string>) => Settings>> = {
  'gateway/index.ts': readGatewayConfig,
  'services/dogs/index.ts': (env) => serviceConfig(dogs, env),
  'services/cats/index.ts': (env) => serviceConfig(cats, env),
}

/** The ports that a process has when nobody names others. */
export const PORTS = {
  gateway: { http: 8000, admin: 9000 },
  dogs: { http: dogs.defaults.port, admin: dogs.defaults.adminPort },
  cats: { http: cats.defaults.port, admin: cats.defaults.adminPort },
} as const

/** The names of all process families. */
export const FAMILIES = Object.keys(PORTS) as (keyof typeof PORTS)[]

/** @throws what the process would say. */
export function settingsOf({ command: [program, entry], env }: Started): Settings {
  const read = READERS[entry!]
  if (program !== 'bun' || read === undefined) throw new Error(`${program} ${entry} is no process family`)
  // Secrets are read at once; here they are any file.
  return read(
    Object.fromEntries(
      Object.entries(env).map(([name, value]) => [
        name,
        value.startsWith('/run/secrets/') ? import.meta.path : value,
      ]),
    ),
  )
}

/** Connections that PostgreSQL takes as it comes, without those that it keeps for its administrator. */
export const MOST_CONNECTIONS = 97

/** Connections that replicas of a service may have, while one more than there are starts. */
export function connectionsOf(started: Started, replicas: number): number {
  const { workers, databasePool = 0 } = settingsOf(started)
  return (replicas + 1) * workers * databasePool
}

/** Where the exporter looks for stats. @throws where it would not start. */
export function exporterTargets({ command }: Started): string[] {
  const invocation = readFlags(command.slice(2))
  if (!('config' in invocation)) throw new Error(JSON.stringify(invocation))
  return invocation.config.targets.map(({ label }) => label)
}

/** What a program prints, as YAML documents. @throws what it complains of. */
export async function yamlOf<T>(command: string[], env: Record<string, string> = {}): Promise<T[]> {
  const run = Bun.spawn(command, {
    cwd: join(import.meta.dir, '..'),
    env: { ...Bun.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [output, complaint] = await Promise.all(
    [run.stdout, run.stderr].map((each) => new Response(each).text()),
  )
  if ((await run.exited) !== 0) throw new Error(complaint)
  return [Bun.YAML.parse(output!)].flat() as T[]
}
