/**
 * `bun run new:service birds`: adds a service. Its folder gets a `model.ts` to fill in; the files that must name every service get what
 * they have for cats once more, under the new name and the next ports. Code and tests take the names from services/names.ts.
 */
import { $ } from 'bun'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '@bun-monitoring/prefork'
import { ROOT } from './external.ts'
import { helpAsked } from './help.ts'

/** The files that name every service. */
export const FILES = [
  'Dockerfile',
  'compose.yml',
  'deploy/compose/update.sh',
  'deploy/image.txt',
  'deploy/kubernetes/exporter.yml',
  'deploy/kubernetes/gateway.toml',
  'deploy/kubernetes/gateway.yml',
  'deploy/kubernetes/kustomization.yml',
  'deploy/swarm/stack.yml',
  'gateway/gateway.toml',
  'gateway/routing/page.html',
  'monitoring/prometheus/prometheus.compose.yml',
  'monitoring/prometheus/prometheus.yml',
  'services/names.ts',
]

/** Copied under the new name. */
export const COPIED = [
  ...['backup.ts', 'copy.ts', 'index.test.ts', 'index.ts', 'restore.ts', 'package.json'].map(
    (file) => `services/cats/${file}`,
  ),
  'deploy/kubernetes/cats.yml',
  'monitoring/prometheus/targets/cats.yml',
]

const PORT = 8002
const ADMIN_PORT = 9002

interface Service {
  name: string
  singular?: string
  port: number
  adminPort: number
}

/** A list that ends with cats, in any quotes and with any separator. */
const LISTED = /\bdogs(\W+)cats\b/

/**
 * A text that has for the new service what it has for cats: one more thing in each list with dogs and cats, and otherwise the paragraphs
 * between empty lines and the lines that name cats alone once more.
 */
export function extended(text: string, service: Service): string {
  return text
    .split(/(?<=\n)(?=\n)/)
    .map((paragraph) => {
      const isOnlyCats = names(paragraph, 'cats') && !names(paragraph, 'dogs|gateway')
      if (isOnlyCats) return paragraph + renamed(paragraph, service)
      return paragraph.replaceAll(/.*\n/g, (line) => {
        if (!names(line, 'cats')) return line
        return LISTED.test(line) ? line.replace(LISTED, `$&$1${service.name}`) : line + renamed(line, service)
      })
    })
    .join('')
}

const COMMENT = /^\s*(#|\/\/|\*|\/\*)/

/** Whether a text names one of the services, outside of comments. */
const names = (text: string, services: string): boolean =>
  text
    .split('\n')
    .some((line) => !COMMENT.test(line) && new RegExp(String.raw`\b(?:${services})\b`, 'i').test(line))

const renamed = (text: string, { name, port, adminPort }: Service): string =>
  text
    .replaceAll('cats', name)
    .replaceAll('CATS', name.toUpperCase())
    .replaceAll(String(PORT), String(port))
    .replaceAll(String(ADMIN_PORT), String(adminPort))

const modelOf = ({
  name,
  singular,
  port,
  adminPort,
}: Service): string => `/** What this service is: its name, fields and defaults. */
import { join } from 'node:path'
import { defineKind } from '@bun-monitoring/pets/model'

export const kind = defineKind({
  name: '${name}',${singular === undefined ? '' : `\n  singular: '${singular}',`}
  fields: {
    name: { type: 'text', description: 'the name' },
  },
  defaults: { port: ${port}, adminPort: ${adminPort}, databasePath: join(import.meta.dir, 'data', '${name}.sqlite') },
})
`

/** The next ports after those of the services that exist. */
function nextPort(root: string): number {
  const ports = readdirSync(join(root, 'services')).flatMap((folder) => {
    const file = join(root, 'services', folder, 'model.ts')
    return existsSync(file) ? [Number(/ port: (\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0)] : []
  })
  return Math.max(...ports) + 1
}

/**
 * Adds a service to a checkout.
 * @param singular if it is not the name without its `s`
 * @throws Error if the name cannot be one, or is taken. Nothing is written then.
 */
export function addService(root: string, name: string, singular?: string): Service {
  const wrong = [name, singular ?? name].find((word) => !/^[a-z][a-z0-9]{0,29}$/.test(word))
  if (wrong !== undefined)
    throw new Error(
      `"${wrong}" is no name of a service: use up to 30 small letters and digits, a letter first`,
    )
  const folder = join(root, 'services', name)
  if (existsSync(folder)) throw new Error(`services/${name} exists: choose another name`)
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  const taken = FILES.find((file) => names(read(file), name))
  if (taken !== undefined)
    throw new Error(`${taken} has the name ${name} for something else: choose another name`)
  const port = nextPort(root)
  const service = {
    name,
    ...(singular === undefined ? {} : { singular }),
    port,
    adminPort: port + ADMIN_PORT - PORT,
  }
  mkdirSync(folder)
  for (const file of COPIED)
    writeFileSync(join(root, file.replace('cats', name)), renamed(read(file), service))
  writeFileSync(join(folder, 'model.ts'), modelOf(service))
  for (const file of FILES) writeFileSync(join(root, file), extended(read(file), service))
  return service
}

const HELP = `bun run new:service NAME [SINGULAR]

Adds a service to every part of the stack, such as birds. SINGULAR is for names like mice, of which one is no mice: mouse.`

if (import.meta.main) {
  const code = helpAsked(Bun.argv.slice(2), HELP)
  if (code !== undefined) process.exit(code)
  const [name = '', singular] = Bun.argv.slice(2)
  try {
    const { port, adminPort } = addService(ROOT, name, singular)
    const bun = process.execPath
    const formatted = FILES.filter((file) => /\.(ts|yml|html)$/.test(file))
    await $`${bun} install && ${bun} monitoring/build.ts && ${bun} --no-script fmt ${formatted} services/${name}`
      .cwd(ROOT)
      .quiet()
    console.log(`services/${name} has the ports ${port} and ${adminPort}. Next:
  1. declare its fields in services/${name}/model.ts: services/pets/README.md has the types
  2. git diff, bun run check, bun run up (end a \`bun run dev\` that runs, and start it again)`)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(EXIT.badConfig)
  }
}
