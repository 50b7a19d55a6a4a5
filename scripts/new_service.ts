/**
 * `bun run new:service birds`: adds a service to every part of the stack. Its folder gets a `model.ts` to fill in; the files that
 * name every service get what they have for cats once more, under the new name and the next ports.
 */
import { $ } from 'bun'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '@bun-monitoring/prefork'
import { ROOT } from './external.ts'

/** The files that name every service. */
export const FILES = [
  'Dockerfile',
  'compose.yml',
  'deploy/compose/update.sh',
  'deploy/image.txt',
  'deploy/kubernetes/budget.yml',
  'deploy/kubernetes/exporter.yml',
  'deploy/kubernetes/gateway.toml',
  'deploy/kubernetes/gateway.yml',
  'deploy/kubernetes/kustomization.yml',
  'deploy/kubernetes/network.yml',
  'deploy/kubernetes/operator/podmonitor.yml',
  'deploy/kubernetes/scale.yml',
  'deploy/swarm/stack.yml',
  'deploy/testing.ts',
  'gateway/gateway.toml',
  'gateway/routing/page.html',
  'monitoring/prometheus/prometheus.compose.yml',
  'monitoring/prometheus/prometheus.yml',
  'monitoring/stack.ts',
  'scripts/affected.ts',
  'scripts/stack.ts',
  'scripts/welcome.ts',
] as const

/** Tests that list the services, and the stack that the tests of the rules simulate. */
export const TESTS = [
  'deploy/kubernetes.test.ts',
  'deploy/swarm.test.ts',
  'e2e/compose.test.ts',
  'e2e/free_stack.ts',
  'e2e/restart.test.ts',
  'gateway/server.test.ts',
  'monitoring/prometheus/first_burst.slow.test.ts',
  'monitoring/prometheus/prometheus.test.ts',
  'monitoring/prometheus/testdata/calm_processes.ts',
  'monitoring/prometheus/testdata/stack.ts',
  'monitoring/prometheus/testdata/targets.ts',
  'scripts/affected.test.ts',
  'scripts/changes.test.ts',
  'scripts/compose.test.ts',
  'scripts/welcome.test.ts',
] as const

/** Copied under the new name. */
export const COPIED = [
  ...['backup.ts', 'copy.ts', 'index.ts', 'restore.ts', 'package.json'].map(
    (file) => `services/cats/${file}`,
  ),
  'deploy/kubernetes/cats.yml',
  'monitoring/prometheus/targets/cats.yml',
]

const PORT = 8002
const ADMIN_PORT = 9002

interface Service {
  name: string
  port: number
  adminPort: number
}

/** A part of a text between empty lines, between the documents of a YAML file, or a row of a table. */
const PARAGRAPHS = /(?<=\n)(?=\n)|(?<=\n---\n)|(?<=\n)(?=---\n)|(?=^ *<tr>\n)|(?<=<\/tr>\n)/m

/** One of the things of a list in a line: the separator before it, and the thing. */
const LISTED = /[,;|] ?[^,;|[\]{}]*\bcats\b[^,;|[\]{}]*?(?=\s*[,;|\]}])/gi

/** The list of a loop or of a variable in a shell script. */
const LOOP = /^(?:for \w+ in |\w+=').*\bcats\b/

/**
 * A text that has for the new service what it has for cats: their paragraphs and lines once more, and one more thing in the lists
 * that have dogs, too. Of code, only a line that is a member of a list, an object or a type, or an import, is taken once more.
 */
export function extended(text: string, service: Service, isCode = false): string {
  return text
    .split(PARAGRAPHS)
    .map((paragraph) => {
      const isOnlyCats = names(paragraph, 'cats') && !names(paragraph, 'dogs|gateway')
      return isOnlyCats && !isCode ? twice(paragraph, service) : linesOf(paragraph, service, isCode)
    })
    .join('')
}

const MEMBER = /,$|^import |^\s*cats: \w+$/m

const linesOf = (paragraph: string, service: Service, isCode: boolean): string =>
  paragraph
    .split(/(?<=\n)/)
    .map((line) => {
      if (/^\s*(#|\/\/|\*|\/\*|test\()/.test(line)) return line
      const ports = line.replace(/, \{ port: (8002|9002) \}/g, (port) => port + renamed(port, service))
      if (!names(line, 'cats')) return ports
      if (!names(line, 'dogs')) return isCode && !MEMBER.test(line) ? line : twice(line, service)
      if (LOOP.test(line)) return line.replace('cats', `cats ${service.name}`)
      return line.replaceAll(LISTED, (listed) => listed + renamed(listed, service))
    })
    .join('')

/** Whether a text names one of the services, outside of comments. */
const names = (text: string, services: string): boolean =>
  new RegExp(String.raw`^(?!\s*(?:#|//|\*|/\*)).*\b(?:${services})\b`, 'im').test(text)

/** A document of a YAML file needs a separator. */
const twice = (text: string, service: Service): string =>
  `${text}${text.startsWith('apiVersion:') ? '---\n' : ''}${renamed(text, service)}`

const renamed = (text: string, { name, port, adminPort }: Service): string =>
  text
    .replaceAll('cats', name)
    .replaceAll('CATS', name.toUpperCase())
    .replaceAll(String(PORT), String(port))
    .replaceAll(String(ADMIN_PORT), String(adminPort))

const modelOf = ({
  name,
  port,
  adminPort,
}: Service): string => `/** What the service ${name} is: its name, fields and defaults. */
import { join } from 'node:path'
import { defineKind } from '@bun-monitoring/pets/model'

export const ${name} = defineKind({
  name: '${name}',
  fields: {
    name: { type: 'text', description: 'the name' },
  },
  defaults: { port: ${port}, adminPort: ${adminPort}, databasePath: join(import.meta.dir, 'data', '${name}.sqlite') },
})
`

/** The next ports after those of the services that exist. */
function serviceOf(root: string, name: string): Service {
  const ports = readdirSync(join(root, 'services')).flatMap((folder) => {
    const file = join(root, 'services', folder, 'model.ts')
    return existsSync(file) ? [Number(/ port: (\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0)] : []
  })
  const port = Math.max(...ports) + 1
  return { name, port, adminPort: port + ADMIN_PORT - PORT }
}

/**
 * Adds a service to a checkout.
 * @throws Error if the name cannot be one, or is taken.
 */
export function addService(root: string, name: string): Service {
  if (!/^[a-z][a-z0-9]*$/.test(name))
    throw new Error(`${name} is no name of a service: use small letters and digits`)
  const folder = join(root, 'services', name)
  if (existsSync(folder)) throw new Error(`services/${name} exists`)
  const service = serviceOf(root, name)
  mkdirSync(folder)
  for (const file of COPIED) {
    const text = readFileSync(join(root, file), 'utf8')
    writeFileSync(join(root, file.replace('cats', name)), renamed(text, service))
  }
  writeFileSync(join(folder, 'model.ts'), modelOf(service))
  for (const file of [...FILES, ...TESTS]) {
    const path = join(root, file)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, extended(text, service, file.endsWith('.ts')))
  }
  return service
}

if (import.meta.main) {
  const [name = ''] = Bun.argv.slice(2)
  try {
    const { port, adminPort } = addService(ROOT, name)
    const formatted = [...FILES, ...TESTS].filter((file) => /\.(ts|md|yml|html)$/.test(file))
    await $`${process.execPath} install && ${process.execPath} --no-script fmt ${formatted} services/${name}`
      .cwd(ROOT)
      .quiet()
    console.log(`services/${name} has the ports ${port} and ${adminPort}. Next:
  1. declare its fields in services/${name}/model.ts: services/pets/README.md has the types
  2. bun run dashboards; bun run mixin
  3. git diff, bun run check, bun run up`)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(EXIT.badConfig)
  }
}
