/** compose.yml gives every container its limits, and our own images have what runs and nothing else. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { ROOT } from './external.ts'

interface Service {
  image: string
  build?: { target: string }
  networks: string[]
  deploy: { resources: { limits: { cpus: string; memory: string; pids: number } } }
  logging: { driver: string; options: Record<string, string> }
  read_only: boolean
  cap_drop: string[]
  security_opt: string[]
  shm_size?: string
  volumes?: string[]
}

const compose = Bun.YAML.parse(await Bun.file(join(ROOT, 'compose.yml')).text()) as {
  services: Record<string, Service>
  networks: Record<string, { internal?: boolean } | null>
}
const services = Object.entries(compose.services)
const names = services.map(([name]) => name)
const WITH_WORKERS = ['gateway', 'dogs', 'cats']

test('there are eight containers', () => {
  expect(names).toEqual([
    'gateway',
    'dogs',
    'cats',
    'exporter',
    'prometheus',
    'node',
    'alertmanager',
    'grafana',
  ])
})

test.each(services)('%s is limited in memory, processors, processes and logs', (_, { deploy, logging }) => {
  const { limits } = deploy.resources
  expect(limits.memory).toMatch(/^\d+[MG]$/)
  expect(limits.cpus).toMatch(/^(\d|\$\{CPUS:-\d\})$/)
  expect(limits.pids).toBeLessThanOrEqual(200)
  expect(logging).toEqual({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } })
})

test.each(services)('%s has a read-only root file system and no capabilities', (_, service) => {
  expect(service).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  })
})

test('processes with workers have shared memory for the metrics of more than eight', () => {
  const sizes = Object.fromEntries(services.map(([name, { shm_size }]) => [name, shm_size]))
  for (const name of WITH_WORKERS) expect(sizes[name]).toBe('256m')
})

test('the network of the services is internal, and nothing that monitors is in it', () => {
  expect(compose.networks.services).toEqual({ internal: true })
  const members = services.filter(([, { networks }]) => networks.includes('services')).map(([name]) => name)
  expect(members).toEqual(WITH_WORKERS)
  const onEdge = services.filter(([, { networks }]) => networks.includes('edge')).map(([name]) => name)
  expect(onEdge).toEqual(['gateway'])
})

test('each of our own images has its own target, so that a change of one leaves the others', async () => {
  const dockerfile = await Bun.file(join(ROOT, 'Dockerfile')).text()
  const targets = [...dockerfile.matchAll(/^FROM \S+ AS (\w+)$/gm)].map(([, target]) => target!)
  const own = services.filter(([, { build }]) => build !== undefined)
  expect(own.map(([name]) => name)).toEqual([...WITH_WORKERS, 'exporter'])
  for (const [name, { build, image }] of own)
    expect({ target: build!.target, image }).toEqual({ target: name, image: `bun-monitoring-${name}` })
  for (const [name] of own) expect(targets).toContain(name)
})

test('the image without a target says what it is and how to start each program', async () => {
  const dockerfile = await Bun.file(join(ROOT, 'Dockerfile')).text()
  expect(dockerfile.trim().split('\n').at(-1)).toBe('CMD ["cat", "image.txt"]')
  const text = await Bun.file(join(ROOT, 'deploy/image.txt')).text()
  const programs = [...dockerfile.matchAll(/^CMD \["bun", "(\S+)"\]$/gm)].map(([, program]) => program!)
  expect(programs.length).toBe(4)
  for (const program of programs) expect(text).toContain(`bun ${program}`)
})
