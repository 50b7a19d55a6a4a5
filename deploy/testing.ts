/**
 * Test helpers. They read the deploy files with the tools that use them, and the settings in these files with the code of the
 * processes that they start. A setting that is misspelt, unknown or out of bounds is found without a cluster.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { readConfig as readFlags } from '../exporter/config/config.ts'
import { readGatewayConfig } from '../gateway/config/settings.ts'
import type { ProcessConfig } from '../packages/prefork/shared/config.ts'
import { services } from '../services/names.ts'
import { serviceConfig } from '../services/pets/config.ts'
import { kinds } from '../services/testing_kinds.ts'

/** The command and the environment of one of our containers. */
export interface Started {
  command: string[]
  env: Record<string, string>
}

type Settings = ProcessConfig & { databasePool?: number }

/** How each entry file reads its environment. */
const READERS: Readonly<Record<string, (env: Record<string, string>) => Settings>> = {
  'gateway/index.ts': readGatewayConfig,
  ...Object.fromEntries(
    kinds.map((kind) => [
      `services/${kind.name}/index.ts`,
      (env: Record<string, string>) => serviceConfig(kind, env),
    ]),
  ),
}

/** The apps that run as a master with workers. */
export const APPS = ['gateway', ...services] as const

/** The default ports of each of them. */
export const PORTS = Object.fromEntries([
  ['gateway', { http: 8000, admin: 9000 }],
  ...kinds.map(({ name, defaults }) => [name, { http: defaults.port, admin: defaults.adminPort }]),
]) as Record<(typeof APPS)[number], { http: number; admin: number }>

/** @throws the error that the process would end with. */
export function settingsOf({ command: [program, entry], env }: Started): Settings {
  const read = READERS[entry!]
  if (program !== 'bun' || read === undefined) throw new Error(`${program} ${entry} is none of our apps`)
  // Processes read secrets at once, so each secret is replaced by a file that exists.
  return read(
    Object.fromEntries(
      Object.entries(env).map(([name, value]) => [
        name,
        value.startsWith('/run/secrets/') ? import.meta.path : value,
      ]),
    ),
  )
}

/** The connections that PostgreSQL has for its clients: three are reserved for its administrator. */
export const mostConnections = (command: readonly string[]): number =>
  Number(/^-cmax_connections=(\d+)$/m.exec(command.join('\n'))![1]) - 3

/** The most connections of a service during an update, when one more replica runs. */
export function connectionsOf(started: Started, replicas: number): number {
  const { workers, databasePool = 0 } = settingsOf(started)
  return (replicas + 1) * workers * databasePool
}

/** The stats targets of the exporter. @throws if the exporter would not start. */
export function exporterTargets({ command }: Started): string[] {
  const invocation = readFlags(command.slice(2))
  if (!('config' in invocation)) throw new Error(JSON.stringify(invocation))
  return invocation.config.targets.map(({ label }) => label)
}

/** Runs a program and parses its output as YAML documents. @throws its error output. */
export async function yamlOf<T>(command: string[], env: Record<string, string> = {}): Promise<T[]> {
  const run = Bun.spawn(command, {
    cwd: join(import.meta.dir, '..'),
    env: { ...Bun.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [output, errors] = await Promise.all(
    [run.stdout, run.stderr].map((each) => new Response(each).text()),
  )
  if ((await run.exited) !== 0) throw new Error(errors)
  return [Bun.YAML.parse(output!)].flat() as T[]
}

const hasKustomize = Bun.which('kustomize') !== null
const hasKubectl = Bun.which('kubectl') !== null

export const isKustomizeHere = isExpected(
  hasKustomize || hasKubectl,
  'kustomize is not on PATH, so nothing checks the manifests for Kubernetes',
)

/** The manifests as kustomize builds them. kubectl contains a kustomize. */
export const readManifests = <T>(): Promise<T[]> =>
  yamlOf<T>([...(hasKustomize ? ['kustomize', 'build'] : ['kubectl', 'kustomize']), 'deploy/kubernetes'])

/** Writes the manifests into a new folder. @returns the path of the file */
export async function writeManifests(): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'manifests-')), 'manifests.yml')
  const texts = (await readManifests()).map((manifest) => Bun.YAML.stringify(manifest, null, 2))
  await Bun.write(path, texts.join('\n---\n'))
  return path
}
