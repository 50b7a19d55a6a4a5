/** deploy/swarm/stack.yml as the docker client reads it. No engine is needed; e2e/swarm.long.test.ts uses a real swarm. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { services as petServices } from '../services/names.ts'
import {
  connectionsOf,
  exporterTargets,
  APPS,
  mostConnections,
  PORTS,
  settingsOf,
  yamlOf,
} from './testing.ts'

interface Service {
  command: string[]
  environment: Record<string, string>
  image: string
  stop_grace_period: string
  healthcheck: { test: string[] }
  deploy: {
    replicas?: number
    endpoint_mode?: string
    update_config?: { order: string; failure_action: string }
  }
  cap_drop: string[]
  read_only: boolean
  ports?: { target: number; published: number; mode: string }[]
  configs: { source: string; target: string }[]
}
interface Stack {
  networks: Record<string, object>
  services: Record<string, Service>
  configs: Record<string, { name: string; file: string }>
}

/** The largest config of Swarm, which keeps them in its Raft log. Older engines accept only this size; newer ones twice as much. */
const CONFIG_BYTES = 500 * 1024
/** Tools start slowly on a busy machine. */
const SLOW_MS = 120_000
const ROOT = join(import.meta.dir, '..')
const STACK = ['docker', 'stack', 'config', '-c', 'deploy/swarm/stack.yml']
const OWN = [...APPS, 'exporter']

const filesIn = (pattern: string) =>
  [...new Bun.Glob(pattern).scanSync({ cwd: ROOT, absolute: true })].toSorted()

const isHere = isExpected(
  Bun.which('docker') !== null,
  'docker is not on PATH, so nothing checks the stack for Docker Swarm',
)

describe.skipIf(!isHere)('the stack', () => {
  const readStack = (env: Record<string, string>) => yamlOf<Stack>(STACK, env)
  let services: Stack['services']
  let configs: Stack['configs']
  let networks: Stack['networks']
  let compose: Stack
  beforeAll(async () => {
    const [stack] = await readStack({ REGISTRY: 'registry.example', TAG: 'x1', PORT: '' })
    ;({ services, configs, networks } = stack!)
    compose = Bun.YAML.parse(await Bun.file(join(ROOT, 'compose.yml')).text()) as Stack
  }, SLOW_MS)
  const started = (name: string) => {
    const { command, environment: env = {} } = services[name]!
    return { command, env }
  }

  test(
    'is rejected without a tag',
    async () => {
      await expect(readStack({ REGISTRY: 'registry.example', TAG: '' })).rejects.toThrow('which image')
    },
    SLOW_MS,
  )

  test('has the services of compose.yml that run one gateway, the services and their graphs, and a database', () => {
    const left = new Set(['alertmanager', 'node', 'gateway-address', 'gateway-standin'])
    const others = Object.keys(compose.services).filter((name) => !left.has(name))
    expect(Object.keys(services)).toEqual([...others, 'postgres'].toSorted())
    for (const name of ['prometheus', 'grafana']) {
      expect(services[name]!.image).toBe(compose.services[name]!.image)
      const command = compose.services[name]!.command?.map((flag) => flag.replace(/\$\{\w+:-(.*)\}/, '$1'))
      expect(services[name]!.command).toEqual(command!)
    }
  })

  test.each(APPS)('%s accepts its settings, and listens on the addresses that other services use', (name) => {
    const { host, adminHost, port, adminPort, lameDuckMs, drainMs } = settingsOf(started(name))
    expect({ host, adminHost }).toEqual({ host: '0.0.0.0', adminHost: '0.0.0.0' })
    expect({ http: port, admin: adminPort }).toEqual(PORTS[name])
    expect(services[name]!.healthcheck.test.join(' ')).toContain(`http://127.0.0.1:${adminPort}/readyz`)
    expect(Number.parseInt(services[name]!.stop_grace_period)).toBeGreaterThan((lameDuckMs + drainMs) / 1000)
  })

  test('the pools of all replicas fit into the database, also during an update', () => {
    const open = petServices.map((name) => connectionsOf(started(name), services[name]!.deploy.replicas!))
    expect(open.reduce((sum, each) => sum + each)).toBeWithin(
      1,
      mostConnections(services.postgres!.command) + 1,
    )
  })

  test('the gateway and the exporter use the addresses of all replicas', () => {
    const urls = Object.values(services.gateway!.environment).filter((value) => value.startsWith('http:'))
    const upstreams = APPS.filter((name) => name !== 'gateway')
    expect(urls.toSorted()).toEqual(
      upstreams.map((name) => `http://tasks.${name}:${PORTS[name].http}`).toSorted(),
    )
    expect(exporterTargets(started('exporter'))).toEqual(
      APPS.map((name) => `http://tasks.${name}:${PORTS[name].admin}/stats`),
    )
  })

  test('the only network is encrypted between nodes', () => {
    expect(networks).toEqual({ stack: { driver_opts: { encrypted: '' } } })
  })

  test('no service has a virtual address', () => {
    expect(Object.entries(services).filter(([, { deploy }]) => deploy.endpoint_mode !== 'dnsrr')).toEqual([])
  })

  test('a failed update is rolled back; only the gateway, which has a port of its node, stops first', () => {
    const orders = APPS.map((name) => services[name]!.deploy.update_config)
    expect(orders).toEqual(
      APPS.map((name) =>
        expect.objectContaining({
          order: name === 'gateway' ? 'stop-first' : 'start-first',
          failure_action: 'rollback',
        }),
      ),
    )
  })

  test('our own containers have no capabilities and a read-only file system', () => {
    for (const name of OWN) expect(services[name]).toMatchObject({ cap_drop: ['ALL'], read_only: true })
  })

  test('only the gateway and Grafana are published, on ports of their nodes', () => {
    const published = Object.entries(services).flatMap(([name, { ports = [] }]) =>
      ports.map(({ published, mode }) => [name, published, mode]),
    )
    expect(published).toEqual([
      ['gateway', 8000, 'host'],
      ['grafana', 3000, 'host'],
    ])
  })

  test('every rule file, dashboard and provisioning file is a config, named by the tag, and small enough', () => {
    const given = Object.values(configs).map(({ file }) => file)
    const monitoring = given.filter((file) => file.startsWith(join(ROOT, 'monitoring')))
    expect(monitoring.toSorted()).toEqual(
      [
        join(ROOT, 'monitoring/prometheus/prometheus.compose.yml'),
        ...filesIn('monitoring/prometheus/rules/*.yml'),
        ...filesIn('monitoring/grafana/dashboards/*.json'),
        ...filesIn('monitoring/grafana/provisioning/*/*.yml'),
      ].toSorted(),
    )
    for (const file of given) expect(statSync(file).size).toBeLessThan(CONFIG_BYTES)
    for (const { name } of Object.values(configs)) expect(name).toEndWith('-x1')
  })

  test('a config has the path that its file has in compose', () => {
    const places = ['prometheus', 'grafana'].flatMap((name) => services[name]!.configs)
    expect(places).toHaveLength(Object.keys(configs).length)
    for (const { source, target } of places) {
      expect(target).toEndWith(configs[source]!.file.split('/').at(-1)!.replace('.compose', ''))
    }
  })
})
