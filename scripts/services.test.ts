/** Every file that names the services names all of them, and `bun run new:service` extends each of them. */
import { afterAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { services } from '../services/names.ts'
import { kinds } from '../services/testing_kinds.ts'
import { ROOT } from './external.ts'
import { addService, COPIED, extended, FILES } from './new_service.ts'

const names = (text: string, service: string) => new RegExp(String.raw`\b${service}\b`).test(text)
const lackedBy = (root: string, service: string) =>
  FILES.filter((file) => !names(readFileSync(join(root, file), 'utf8'), service))

test('every folder of services/ that declares a kind is in the list, under the name of its kind', () => {
  const declared = [...new Bun.Glob('*/model.ts').scanSync(join(ROOT, 'services'))].map(dirname)
  expect(declared.toSorted()).toEqual([...services].toSorted())
  expect(kinds.map(({ name }) => name)).toEqual([...services])
})

test.each(services)('%s is named by every file that names services', (service) => {
  expect(lackedBy(ROOT, service)).toEqual([])
})

test('a service that was just begun lacks them all', () => {
  expect(lackedBy(ROOT, 'testpets')).toEqual(FILES)
})

describe('a new service', () => {
  const root = mkdtempSync(join(tmpdir(), 'service-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const models = services.map((name) => `services/${name}/model.ts`)
  for (const file of [...FILES, ...COPIED, ...models]) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    cpSync(join(ROOT, file), join(root, file))
  }
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  const used = kinds.map(({ defaults }) => defaults.port)
  const service = addService(root, 'testpets')

  test('has the next ports, and a folder with everything but its fields', () => {
    expect(service.port).toBe(Math.max(...used) + 1)
    expect(service.adminPort).toBe(service.port + 1000)
    for (const file of COPIED) {
      const text = read(file.replace('cats', 'testpets'))
      expect(text).not.toMatch(/cats|CATS|8002|9002/)
    }
    const model = read('services/testpets/model.ts')
    expect(model).toContain("name: 'testpets',\n  fields")
    expect(model).toContain(`port: ${service.port}, adminPort: ${service.adminPort}`)
  })

  test('has another singular than the name without its s if it is told', () => {
    addService(root, 'testmice', 'testmouse')
    expect(read('services/testmice/model.ts')).toContain(
      "name: 'testmice',\n  singular: 'testmouse',\n  fields",
    )
  })

  test('is named by every file, which can still be read', () => {
    expect(lackedBy(root, 'testpets')).toEqual([])
    for (const file of FILES) {
      const text = read(file)
      if (file.endsWith('.yml')) expect(() => Bun.YAML.parse(text)).not.toThrow()
      if (file.endsWith('.toml')) expect(() => Bun.TOML.parse(text)).not.toThrow()
      if (file.endsWith('.ts')) expect(() => new Bun.Transpiler({ loader: 'ts' }).scan(text)).not.toThrow()
    }
  })

  test('is built and updated by the script of compose', () => {
    expect(read('deploy/compose/update.sh')).toMatch(/^services='dogs cats (.* )?testpets/m)
  })

  test('has as many documents, upstreams, routes and jobs as cats', () => {
    const count = (text: string, name: string) =>
      text.match(new RegExp(String.raw`\b${name}\b`, 'gi'))?.length
    for (const file of ['monitoring/prometheus/prometheus.yml', 'gateway/routing/page.html']) {
      expect([file, count(read(file), 'testpets')]).toEqual([file, count(read(file), 'cats')])
    }
    const kindsOf = (name: string) =>
      (Bun.YAML.parse(read(`deploy/kubernetes/${name}.yml`)) as { kind: string }[]).map(({ kind }) => kind)
    expect(kindsOf('testpets')).toEqual(kindsOf('cats'))
    const gateway = Bun.TOML.parse(read('gateway/gateway.toml')) as Record<string, object[]>
    expect(gateway.upstream).toContainEqual(
      expect.objectContaining({
        name: 'testpets',
        targets: [`\${TESTPETS_URL:-http://127.0.0.1:${service.port}}`],
      }),
    )
    expect(gateway.route).toContainEqual(
      expect.objectContaining({ id: 'testpets', path: '/testpets', upstream: 'testpets' }),
    )
    const compose = Bun.YAML.parse(read('compose.yml')) as {
      services: Record<string, { environment?: Record<string, string> }>
      volumes: object
    }
    expect(compose.services.gateway!.environment!.TESTPETS_URL).toBe(`http://testpets:${service.port}`)
    expect(compose.services.testpets!.environment!.TESTPETS_DATABASE_PATH).toBe('/data/testpets.sqlite')
    expect(compose.volumes).toHaveProperty('testpets')
  })

  test('is refused under a name that is none, or is taken', () => {
    for (const name of ['', 'Birds', 'birds!', 'a-b', '../x', '1st', 'a'.repeat(31)]) {
      expect(() => addService(root, name)).toThrow(`"${name}" is no name of a service`)
      expect(() => addService(root, 'testmice2', name)).toThrow(`"${name}" is no name of a service`)
    }
    for (const name of ['gateway', 'exporter', 'prometheus', 'postgres', 'image']) {
      expect(() => addService(root, name)).toThrow(`has the name ${name} for something else`)
    }
    for (const name of ['testpets', 'cats', 'pets']) {
      if (name === 'pets') mkdirSync(join(root, 'services/pets'), { recursive: true })
      expect(() => addService(root, name)).toThrow(`services/${name} exists`)
    }
  })
})

test.each([
  ["services = ['dogs', 'cats'] as const\n", "services = ['dogs', 'cats', 'birds'] as const\n"],
  ["services='dogs cats'\n", "services='dogs cats birds'\n"],
  ["['dogs', 'cats', 'mice']\n", "['dogs', 'cats', 'birds', 'mice']\n"],
  ['  dogs: 1\n  cats: 2\n  x: 3\n', '  dogs: 1\n  cats: 2\n  birds: 2\n  x: 3\n'],
  [
    '- CATS_URL: http://cats:8002\ndogs\n',
    '- CATS_URL: http://cats:8002\n- BIRDS_URL: http://birds:8003\ndogs\n',
  ],
  ['# dogs, cats\n', '# dogs, cats\n'],
  ['# only cats\nx\n', '# only cats\nx\n'],
  ['x: dogs\n\n[[a]]\nb = "cats"\n', 'x: dogs\n\n[[a]]\nb = "cats"\n\n[[a]]\nb = "birds"\n'],
])('%j becomes %j', (text, expected) => {
  expect(extended(text, { name: 'birds', port: 8003, adminPort: 9003 })).toBe(expected)
})
