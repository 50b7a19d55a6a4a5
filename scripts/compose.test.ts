/** compose.yml as the docker client reads it: every container has its limits. No engine is needed; e2e/compose.test.ts uses a real one. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { services as petServices } from '../services/names.ts'
import { ROOT } from './external.ts'

interface Service {
  image: string
  build?: { target: string }
  networks?: Record<string, { aliases?: string[] } | null>
  network_mode?: string
  deploy: { resources: { limits: { cpus: number; memory: string; pids: number } } }
  logging: { driver: string; options: Record<string, string> }
  ports?: { host_ip: string; target: number; published: string }[]
  volumes?: { type: string; read_only?: boolean }[]
  depends_on?: Record<string, { condition: string; restart?: boolean }>
  environment?: Record<string, string | null>
  healthcheck?: { test: string[] }
  sysctls?: Record<string, string>
  stop_grace_period?: string
  shm_size?: string
}

/** Megabytes of memory, processors and process ids of each container. */
const LIMITS: Record<string, [megabytes: number, cpus: number, pids: number]> = {
  'gateway-address': [32, 0.5, 10],
  gateway: [1024, 2, 200],
  'gateway-standin': [1024, 2, 200],
  ...Object.fromEntries(petServices.map((name) => [name, [1024, 2, 200]])),
  exporter: [256, 1, 50],
  prometheus: [1024, 1, 200],
  node: [128, 1, 50],
  alertmanager: [256, 1, 200],
  grafana: [512, 1, 200],
}
const NAMES = Object.keys(LIMITS)
const WITH_WORKERS = ['gateway', 'gateway-standin', ...petServices]
const IMAGES = ['gateway', ...petServices, 'exporter']

const isHere = isExpected(
  Bun.which('docker') !== null,
  'docker is not on PATH, so nothing checks compose.yml',
)
const dockerfile = await Bun.file(join(ROOT, 'Dockerfile')).text()
const deploying = await Bun.file(join(ROOT, 'deploy/README.md')).text()

describe.skipIf(!isHere)('compose.yml', () => {
  let services: Record<string, Service>
  let networks: Record<string, { internal?: boolean }>
  beforeAll(async () => {
    const config = ['--profile', '*', 'config', '--format', 'json']
    const workers = ['gateway', ...petServices].map((name) => [`${name.toUpperCase()}_WORKERS`, ''])
    const env = { ...Bun.env, CPUS: '', ...Object.fromEntries(workers) }
    ;({ services, networks } = await Bun.$`docker compose ${config}`.cwd(ROOT).env(env).json())
  }, 60_000)
  const namesWith = (condition: (service: Service) => unknown) =>
    NAMES.filter((name) => condition(services[name]!))

  test('has these containers and no others', () => {
    expect(Object.keys(services).toSorted()).toEqual(NAMES.toSorted())
  })

  test.each(NAMES)('%s is limited in memory, processors, processes and logs', (name) => {
    const { deploy, logging } = services[name]!
    const { memory, cpus, pids } = deploy.resources.limits
    expect([Number(memory) / 2 ** 20, cpus, pids]).toEqual(LIMITS[name]!)
    expect(logging).toEqual({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } })
  })

  test.each(NAMES)('%s has a read-only root file system and no capabilities, and starts again', (name) => {
    expect(services[name]).toMatchObject({
      read_only: true,
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      restart: 'unless-stopped',
    })
  })

  test('files of the checkout and of the host are mounted read-only', () => {
    const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes)
    const ofHost = mounts.filter(({ type }) => type === 'bind')
    expect(ofHost.length).toBeGreaterThan(4)
    expect(ofHost.filter(({ read_only }) => read_only !== true)).toEqual([])
  })

  test('processes with workers have shared memory for the metrics of more than eight, and time to drain', () => {
    expect(namesWith(({ shm_size }) => shm_size === String(256 * 2 ** 20))).toEqual(WITH_WORKERS)
    expect(namesWith(({ stop_grace_period }) => stop_grace_period === '15s')).toEqual([
      ...WITH_WORKERS,
      'exporter',
    ])
  })

  test('what listens for workers moves waiting connections to another listener', () => {
    expect(namesWith(({ sysctls }) => sysctls?.['net.ipv4.tcp_migrate_req'] === '1')).toEqual([
      'gateway-address',
      ...petServices,
    ])
  })

  test('no container is in more networks than it needs, and only those with published ports reach other machines', () => {
    expect(
      Object.fromEntries(Object.entries(networks).map(([name, net]) => [name, net.internal === true])),
    ).toEqual({ edge: false, services: true, admin: true, monitoring: false })
    const members = (network: string) =>
      namesWith((service) => Object.hasOwn(service.networks ?? {}, network))
    expect(members('edge')).toEqual(['gateway-address'])
    expect(members('services')).toEqual(['gateway-address', ...petServices])
    expect(members('admin')).toEqual(['gateway-address', ...petServices, 'exporter', 'prometheus'])
    expect(members('monitoring')).toEqual(['exporter', 'prometheus', 'node', 'alertmanager', 'grafana'])
  })

  test('ports are published on this machine alone', () => {
    const published = NAMES.flatMap((name) =>
      (services[name]!.ports ?? []).map((port) => [name, port.host_ip, Number(port.published), port.target]),
    )
    expect(published).toEqual([
      ['gateway-address', '127.0.0.1', 8000, 8000],
      ['exporter', '127.0.0.1', 9117, 9117],
      ['prometheus', '127.0.0.1', 9090, 9090],
      ['alertmanager', '127.0.0.1', 9093, 9093],
      ['grafana', '127.0.0.1', 3000, 3000],
    ])
  })

  test('the gateway and its stand-in share one address and its port, and differ in the admin port', () => {
    const { gateway, 'gateway-standin': standin, 'gateway-address': address } = services
    expect(address!.networks!.admin!.aliases).toEqual(['gateway'])
    for (const each of [gateway!, standin!]) {
      expect(each.network_mode).toBe('service:gateway-address')
      expect(each.depends_on!['gateway-address']).toMatchObject({
        condition: 'service_started',
        restart: true,
      })
      expect(each.environment!.GATEWAY_SHARE_PORT).toBe('yes')
    }
    const { GATEWAY_ADMIN_PORT, ...others } = standin!.environment!
    expect(GATEWAY_ADMIN_PORT).toBe('9010')
    expect(others).toEqual(gateway!.environment!)
    expect(standin!.healthcheck!.test.join()).toContain(`:${GATEWAY_ADMIN_PORT}/`)
    expect(standin!.image).toBe(gateway!.image)
  })

  test('all containers but those without a port of their own are checked for health', () => {
    expect(namesWith(({ healthcheck }) => healthcheck === undefined)).toEqual(['gateway-address', 'node'])
  })

  test('the address of the gateway needs only the base of our images', () => {
    const [, base] = /^ARG BASE=(\S+)$/m.exec(dockerfile)!
    expect(services['gateway-address']!.image).toBe(base!)
    expect(deploying).toContain(`\nbase=${base!.split('@')[0]}\n`)
  })

  test.each(IMAGES)(
    'the image of %s has its own target, so that a change of one leaves the others',
    (name) => {
      expect(services[name]).toMatchObject({ image: `bun-monitoring-${name}`, build: { target: name } })
      expect(dockerfile).toMatch(new RegExp(`^FROM \\S+ AS ${name}$`, 'm'))
    },
  )
})

test('a gateway that has lost the network of gateway-address ends, so that it starts again in the new one', async () => {
  const { services } = Bun.YAML.parse(await Bun.file(join(ROOT, 'compose.yml')).text()) as {
    services: Record<string, { network_mode?: string; restart?: string; healthcheck?: { test: string[] } }>
  }
  const guests = Object.values(services).filter(({ network_mode = '' }) =>
    network_mode.startsWith('service:'),
  )
  expect(guests).toHaveLength(2)
  for (const { healthcheck, restart } of guests) {
    expect(restart).toBe('unless-stopped')
    expect(healthcheck!.test.at(-1)).toStartWith(
      "if (Object.keys(require('os').networkInterfaces()).length < 2) process.kill(1); ",
    )
  }
})

test('health checks ask their own container also where Docker gives containers a proxy', async () => {
  for (const file of ['compose.yml', 'deploy/swarm/stack.yml']) {
    const { services } = Bun.YAML.parse(await Bun.file(join(ROOT, file)).text()) as {
      services: Record<string, { healthcheck?: { test: string[] } }>
    }
    const checks = Object.values(services).flatMap(({ healthcheck }) => healthcheck?.test.join(' ') ?? [])
    const asking = checks.filter((check) => /^CMD (bun|wget) /.test(check))
    expect(asking.length).toBeGreaterThan(3)
    expect(asking.filter((check) => !/, \{ proxy: false \}\)|^CMD wget -Y off /.test(check))).toEqual([])
  }
})

test('the image without a target says what it is and how to start each program', async () => {
  expect(dockerfile.trim().split('\n').at(-1)).toBe('CMD ["cat", "image.txt"]')
  const text = await Bun.file(join(ROOT, 'deploy/image.txt')).text()
  const programs = [...dockerfile.matchAll(/^CMD \["bun", "(\S+)"\]$/gm)].map(([, program]) => program!)
  expect(programs).toHaveLength(IMAGES.length)
  for (const program of programs) expect(text).toContain(`bun ${program}`)
})
