/** Every file that names the services names all of them, and `bun run new:service` extends each of them. */
import { afterAll, describe, expect, test } from 'bun:test'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from './external.ts'
import { addService, COPIED, extended, FILES, TESTS } from './new_service.ts'

/** Every folder of services/ that is a service: one that can be started. */
const services = readdirSync(join(ROOT, 'services')).filter(
  (name) => name !== 'pets' && existsSync(join(ROOT, 'services', name, 'index.ts')),
)

const names = (text: string, service: string) => new RegExp(String.raw`\b${service}\b`).test(text)
const lackedBy = (root: string, service: string) =>
  FILES.filter((file) => !names(readFileSync(join(root, file), 'utf8'), service))

test('dogs and cats are services', () => {
  expect(services).toEqual(expect.arrayContaining(['cats', 'dogs']))
})

test.each(services)('%s is named by every file that names services', (service) => {
  expect(lackedBy(ROOT, service)).toEqual([])
})

test('a service that was just begun lacks them all', () => {
  expect(lackedBy(ROOT, 'ferrets')).toEqual([...FILES])
})

describe('a new service', () => {
  const root = mkdtempSync(join(tmpdir(), 'service-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const models = services.map((name) => `services/${name}/model.ts`)
  for (const file of [...FILES, ...TESTS, ...COPIED, ...models]) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    cpSync(join(ROOT, file), join(root, file))
  }
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  const used = models.map((file) => Number(/ port: (\d+)/.exec(read(file))![1]))
  const service = addService(root, 'ferrets')

  test('has the next ports, and a folder with everything but its fields', () => {
    expect(service.port).toBe(Math.max(...used) + 1)
    expect(service.adminPort).toBe(service.port + 1000)
    for (const file of COPIED) {
      const text = read(file.replace('cats', 'ferrets'))
      expect(text).toMatch(/ferrets|FERRETS|\d/)
      expect(text).not.toMatch(/cats|CATS|8002|9002/)
    }
    const model = read('services/ferrets/model.ts')
    expect(model).toContain("name: 'ferrets'")
    expect(model).toContain(`port: ${service.port}, adminPort: ${service.adminPort}`)
  })

  test('is named by every file, which can still be read', () => {
    expect(lackedBy(root, 'ferrets')).toEqual([])
    for (const file of [...FILES, ...TESTS]) {
      const text = read(file)
      if (file.endsWith('.yml')) expect(() => Bun.YAML.parse(text)).not.toThrow()
      if (file.endsWith('.toml')) expect(() => Bun.TOML.parse(text)).not.toThrow()
      if (file.endsWith('.ts')) expect(() => new Bun.Transpiler({ loader: 'ts' }).scan(text)).not.toThrow()
    }
  })

  test('has as many documents, upstreams, routes and jobs as cats', () => {
    const count = (text: string, name: string) =>
      text.match(new RegExp(String.raw`\b${name}\b`, 'gi'))?.length
    for (const file of [
      'deploy/kubernetes/budget.yml',
      'deploy/kubernetes/scale.yml',
      'monitoring/prometheus/prometheus.yml',
      'gateway/routing/page.html',
    ]) {
      expect([file, count(read(file), 'ferrets')]).toEqual([file, count(read(file), 'cats')])
    }
    const kinds = (file: string) => (Bun.YAML.parse(read(file)) as { kind: string }[]).map(({ kind }) => kind)
    expect(kinds('deploy/kubernetes/scale.yml')).toHaveLength(2 + services.length)
    expect(kinds('deploy/kubernetes/budget.yml')).toHaveLength(2 + services.length)
    const gateway = Bun.TOML.parse(read('gateway/gateway.toml')) as Record<string, object[]>
    expect(gateway.upstream).toContainEqual(
      expect.objectContaining({
        name: 'ferrets',
        targets: [`\${FERRETS_URL:-http://127.0.0.1:${service.port}}`],
      }),
    )
    expect(gateway.route).toContainEqual(
      expect.objectContaining({ id: 'ferrets', path: '/ferrets', upstream: 'ferrets' }),
    )
    const compose = Bun.YAML.parse(read('compose.yml')) as {
      services: Record<string, { environment?: Record<string, string> }>
      volumes: object
    }
    expect(compose.services.gateway!.environment!.FERRETS_URL).toBe(`http://ferrets:${service.port}`)
    expect(compose.services.ferrets!.environment!.FERRETS_DATABASE_PATH).toBe('/data/ferrets.sqlite')
    expect(compose.volumes).toHaveProperty('ferrets')
  })

  test('is refused under a name that is none, or is taken', () => {
    for (const name of ['', 'Birds', 'a-b', '../x', '1st']) {
      expect(() => addService(root, name)).toThrow('is no name of a service')
    }
    for (const name of ['ferrets', 'cats', 'pets']) {
      if (name === 'pets') mkdirSync(join(root, 'services/pets'), { recursive: true })
      expect(() => addService(root, name)).toThrow(`services/${name} exists`)
    }
  })
})

test.each([
  ["services: ['dogs', 'cats'],\n", "services: ['dogs', 'cats', 'birds'],\n"],
  ['[gateway, dogs, cats, exporter]\n', '[gateway, dogs, cats, birds, exporter]\n'],
  ['name: gateway|dogs|cats }\n', 'name: gateway|dogs|cats|birds }\n'],
  ['{ dogs: string; cats: string }\n', '{ dogs: string; cats: string; birds: string }\n'],
  ["['DOGS', 'CATS'].map\n", "['DOGS', 'CATS', 'BIRDS'].map\n"],
  ['for service in cats dogs; do\n', 'for service in cats birds dogs; do\n'],
  ['[{ port: 8001 }, { port: 8002 }]\n', '[{ port: 8001 }, { port: 8002 }, { port: 8003 }]\n'],
  ['  dogs: 1\n  cats: 2\n  x: 3\n', '  dogs: 1\n  cats: 2\n  birds: 2\n  x: 3\n'],
  ['# dogs and cats\n', '# dogs and cats\n'],
  ['# only cats\nx\n', '# only cats\nx\n'],
  ['x: dogs\n\n[[a]]\nb = "cats"\n', 'x: dogs\n\n[[a]]\nb = "cats"\n\n[[a]]\nb = "birds"\n'],
  [
    'apiVersion: 1\nname: dogs\n---\napiVersion: 1\nname: cats\n',
    'apiVersion: 1\nname: dogs\n---\napiVersion: 1\nname: cats\n---\napiVersion: 1\nname: birds\n',
  ],
  [
    '<tr>\n<a href="dogs/">\n</tr>\n<tr>\n<a href="cats/">\n</tr>\n<p>\n',
    '<tr>\n<a href="dogs/">\n</tr>\n<tr>\n<a href="cats/">\n</tr>\n<tr>\n<a href="birds/">\n</tr>\n<p>\n',
  ],
])('%j becomes %j', (text, expected) => {
  expect(extended(text, { name: 'birds', port: 8003, adminPort: 9003 })).toBe(expected)
})

test.each([
  ['const [, , cats] = ids\n', 'const [, , cats] = ids\n'],
  ["  test('dogs, cats start', () => {\n", "  test('dogs, cats start', () => {\n"],
  ['  cats: [1, 2],\n', '  cats: [1, 2],\n  birds: [1, 2],\n'],
  ['  cats: string\n', '  cats: string\n  birds: string\n'],
  ["import { cats } from 'cats'\n", "import { cats } from 'cats'\nimport { birds } from 'birds'\n"],
  ["const all = ['dogs', 'cats']\n", "const all = ['dogs', 'cats', 'birds']\n"],
])('the code %j becomes %j', (text, expected) => {
  expect(extended(text, { name: 'birds', port: 8003, adminPort: 9003 }, true)).toBe(expected)
})
