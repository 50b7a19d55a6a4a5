/** The same in containers: `docker compose up --build`, without Grafana, whose image not every machine can pull. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { allTargetsAreUp, everyQueryHasData, k6, until, useTheApi } from './smoke.ts'

const gateway = 'http://127.0.0.1:8000'
const prometheus = 'http://127.0.0.1:9090'
const OWN = ['gateway', 'dogs', 'cats', 'exporter']

/** A project of its own, so that volumes of a stack that somebody uses are not touched. */
const compose = async (...words: string[]): Promise<string> =>
  Bun.$`docker compose --project-name bun-monitoring-e2e ${words}`
    .cwd(join(import.meta.dir, '..'))
    .quiet()
    .text()

beforeAll(async () => void (await compose('up', '--build', '--wait', ...OWN, 'prometheus')), 300_000)
afterAll(async () => void (await compose('down', '--volumes', '--timeout', '15')), 60_000)

test('pets are made, listed, read, changed and deleted through the gateway', () => useTheApi(gateway))

test('all five targets are up', () => allTargetsAreUp(prometheus), 70_000)

test('under the smoke load every query of the dashboards has data, and no threshold is crossed', async () => {
  await Promise.all([k6(gateway, {}, '-e', 'SHAPE=smoke'), everyQueryHasData(prometheus)])
}, 120_000)

test('our containers run without root, capabilities and a writable file system', async () => {
  for (const service of OWN) {
    const id = (await compose('ps', '-q', service)).trim()
    const [{ Config, HostConfig }] = await Bun.$`docker inspect ${id}`.json()
    expect(Config.User).toBe('bun')
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], Init: true })
    expect(HostConfig.SecurityOpt).toContain('no-new-privileges:true')
  }
})

test('only gateway, exporter and Prometheus are published, and only on this machine', async () => {
  const rows = (await compose('ps', '--format', '{{.Service}} {{.Ports}}')).trim().split('\n')
  const published = rows.filter((row) => row.includes('->')).map((row) => row.split(' '))
  expect(published.map(([service]) => service).toSorted()).toEqual(['exporter', 'gateway', 'prometheus'])
  for (const [, ports] of published) expect(ports).toStartWith('127.0.0.1:')
})

test('three containers of a service share the requests, and one that is taken away costs none', async () => {
  await compose('up', '--wait', '--scale', 'dogs=3', ...OWN)
  const ids = (await compose('ps', '-q', 'dogs')).trim().split('\n')
  expect(ids).toHaveLength(3)
  const ask = async (requests: number) => {
    for (let i = 0; i < requests; i++) expect((await fetch(`${gateway}/dogs/`)).status).toBe(200)
  }
  const answered = async (id: string): Promise<number> => {
    const script = `const { workers } = await (await fetch('http://127.0.0.1:9001/stats')).json()
      console.log(workers.reduce((sum, { requests }) => sum + requests, 0))`
    return Number(await Bun.$`docker exec ${id} bun -e ${script}`.quiet().text())
  }
  const before = await Promise.all(ids.map(answered))
  await until(async () => {
    await ask(30)
    const all = await Promise.all(ids.map(answered))
    return all.every((count, i) => count > before[i]! + 10) ? undefined : `${before} and then ${all}`
  }, 30_000)
  const clients = Promise.all(Array.from({ length: 8 }, () => ask(500)))
  await compose('up', '--wait', '--scale', 'dogs=1', '--timeout', '15', ...OWN)
  await clients
}, 120_000)

test('a restart keeps what was stored', async () => {
  const created = await fetch(`${gateway}/dogs/`, { method: 'POST', body: '{"name":"Rex","breed":"Pug"}' })
  const { id } = (await created.json()) as { id: number }
  await compose('restart', '--timeout', '15', 'dogs')
  await compose('up', '--wait', ...OWN)
  expect(await (await fetch(`${gateway}/dogs/${id}/`)).json()).toMatchObject({ id, name: 'Rex' })
}, 60_000)
