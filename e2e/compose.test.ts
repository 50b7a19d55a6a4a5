/** The stack in containers: `docker compose up --build`, without Grafana, whose image not every machine can pull. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { allTargetsAreUp, everyQueryHasData, load, query, until, useTheApi } from './smoke.ts'
import { Traffic } from './traffic.ts'

const gateway = 'http://127.0.0.1:8000'
const prometheus = 'http://127.0.0.1:9090'
const OWN = ['gateway', 'dogs', 'cats', 'exporter']

/** A project of its own: the volumes of a stack that is in use are not touched. */
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
  await Promise.all([load(gateway, {}, '-e', 'SHAPE=smoke'), everyQueryHasData(prometheus)])
}, 200_000)

test('our containers run without root, capabilities and a writable file system', async () => {
  for (const service of OWN) {
    const id = (await compose('ps', '-q', service)).trim()
    const [{ Config, HostConfig }] = await Bun.$`docker inspect ${id}`.json()
    expect(Config.User).toBe('bun')
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], Init: true })
    expect(HostConfig.SecurityOpt).toContain('no-new-privileges:true')
  }
})

test('containers are limited, and their logs are rotated', async () => {
  for (const service of [...OWN, 'prometheus']) {
    const id = (await compose('ps', '-q', service)).trim()
    const [{ HostConfig }] = await Bun.$`docker inspect ${id}`.json()
    expect(HostConfig.Memory).toBeGreaterThan(0)
    expect(HostConfig.NanoCpus).toBeGreaterThan(0)
    expect(HostConfig.PidsLimit).toBeGreaterThan(0)
    expect(HostConfig.LogConfig).toEqual({
      Type: 'json-file',
      Config: { 'max-size': '10m', 'max-file': '3' },
    })
  }
})

test('an image has only the files that run: no tests, benchmarks, types or packages for development', async () => {
  const id = (await compose('ps', '-q', 'dogs')).trim()
  const files = (await Bun.$`docker exec ${id} find . -type f`.text()).split('\n')
  expect(files.filter((file) => !file.includes('/node_modules/')).length).toBeGreaterThan(50)
  const own = files.filter((file) => !file.includes('/node_modules/'))
  expect(own.filter((file) => /\.test\.ts$|\/testing|\/bench\/|\/testdata\/|\.md$/.test(file))).toEqual([])
  expect(files.filter((file) => /\.d\.ts$|node_modules\/\.bun\/(bun-types|@types)/.test(file))).toEqual([])
  expect(own.filter((file) => /^\.\/(gateway|exporter|services\/cats)\/.*\.ts$/.test(file))).toEqual([])
})

test('only gateway, exporter and Prometheus are published, and only on this machine', async () => {
  const rows = (await compose('ps', '--format', '{{.Service}} {{.Ports}}')).trim().split('\n')
  const published = rows.filter((row) => row.includes('->')).map((row) => row.split(' '))
  expect(published.map(([service]) => service).toSorted()).toEqual([
    'exporter',
    'gateway-address',
    'prometheus',
  ])
  for (const [, ports] of published) expect(ports).toStartWith('127.0.0.1:')
})

test('scaled to three and back no request fails, each instance is seen, and no total has a gap', async () => {
  const ofDogs = 'http_server_request_duration_seconds_count{job="dogs"}'
  const sentToDogs =
    'sum(gateway_upstream_attempts_total{upstream="dogs"}) - sum(gateway_upstream_retries_total{upstream="dogs"})'
  const byThoseThere = [`sum(${ofDogs})`, 'sum(prefork_worker_requests_total{app="dogs"})']
  const valueOf = async (promql: string) => Number((await query(prometheus, promql))[0]?.value[1])
  const isAsFound = (complain: () => Promise<string | undefined>) => until(complain, 60_000)
  /** The instances of a query. The exporter names them by URL, Prometheus by host. */
  const instancesOf = async (promql: string) =>
    (await query(prometheus, promql))
      .map(({ metric: { instance, target } }) => (target === undefined ? instance! : new URL(target).host))
      .toSorted()
  const areSeen = (count: number) =>
    isAsFound(async () => {
      const scraped = await instancesOf('up{job="dogs"} == 1')
      const read = await instancesOf('max by (target) (prefork_workers{app="dogs"})')
      const isRight = scraped.length === count && Bun.deepEquals(read, scraped)
      const targets = await instancesOf('exporter_target_up == 0')
      return isRight
        ? undefined
        : `Prometheus sees ${scraped}, the exporter ${read}, and cannot read ${targets}`
    })

  await compose('up', '--wait', '--scale', 'dogs=3', ...OWN)
  await areSeen(3)
  await using first = new Traffic(gateway)
  await isAsFound(async () => {
    const grown = await query(prometheus, `sum by (instance) (increase(${ofDogs}[30s])) > 30`)
    return grown.length === 3 ? undefined : `only ${grown.length} have answered`
  })
  await first.stop()
  await isAsFound(async () => {
    const told = await Promise.all([...byThoseThere, sentToDogs].map(valueOf))
    return new Set(told).size === 1 ? undefined : `dogs, exporter and gateway tell ${told.join()}`
  })
  const before = await valueOf(sentToDogs)

  await using second = new Traffic(gateway)
  await compose('up', '--wait', '--scale', 'dogs=1', '--timeout', '15', ...OWN)
  await areSeen(1)
  await second.stop()
  expect(first.failures.concat(second.failures)).toEqual([])
  const seen = `sum(rate(${ofDogs}[30s])) / sum(rate(gateway_upstream_attempts_total{upstream="dogs"}[30s]))`
  const lowest = await valueOf(`min_over_time((${seen})[30s:5s])`)
  // A new replica of three has no rate until its second scrape, so up to a third may be missing.
  expect(lowest).toBeGreaterThan(0.1)
  const names = 'count(max by (target) (max_over_time(prefork_worker_requests_total{app="dogs"}[10m])))'
  expect(await valueOf(names)).toBe(3)
  expect(await query(prometheus, 'exporter_target_up == 0')).toEqual([])
  // The counts of the two replicas that are gone stay, without the requests since their last scrape.
  let counts: number[] = []
  await isAsFound(async () => {
    counts = await Promise.all(
      [`sum(max_over_time(${ofDogs}[10m]))`, sentToDogs, ...byThoseThere].map(valueOf),
    )
    const [counted, sent, scraped, read] = counts as [number, number, number, number]
    return counted > before && counted <= sent && scraped === read ? undefined : `dogs told ${counts.join()}`
  })
  console.log(`requests to dogs: ${before} with three, in the end ${counts[0]} counted of ${counts[1]} sent`)
  console.log(`of the rate of the gateway Prometheus saw at dogs never less than ${lowest}`)
}, 300_000)

test('eight workers find room for their metrics', async () => {
  const eight = ['--project-name', 'bun-monitoring-e2e', 'up', '--wait', 'dogs']
  await Bun.$`docker compose ${eight}`
    .cwd(join(import.meta.dir, '..'))
    .env({ ...Bun.env, DOGS_WORKERS: '8' })
    .quiet()
  const workers = 'sum(prefork_workers{app="dogs"})'
  await until(async () => {
    const [sample] = await query(prometheus, workers)
    return sample?.value[1] === '8' ? undefined : `${workers} is ${sample?.value[1]}`
  }, 60_000)
}, 120_000)

describe('an update', () => {
  const SERVICES = ['gateway', 'dogs', 'cats']
  const update = (env: Record<string, string> = {}, ...words: string[]) =>
    Bun.$`deploy/compose/update.sh ${words}`
      .cwd(join(import.meta.dir, '..'))
      .env({ ...Bun.env, PROJECT: 'bun-monitoring-e2e', ...env })
      .quiet()
      .nothrow()
  const idsOf = () => Promise.all(SERVICES.map((service) => compose('ps', '-q', service)))
  const imageOf = async (id: string) =>
    (await Bun.$`docker inspect -f ${'{{.Image}}'} ${id.trim()}`.text()).trim()
  const under = async (work: () => Promise<{ exitCode: number; stderr: Buffer }>) => {
    const clients = [new Traffic(gateway), new Traffic(gateway, { keepAlive: false })]
    const { exitCode, stderr } = await work()
    for (const each of clients) await each.stop()
    const [answered, failures] = [
      clients.reduce((sum, each) => sum + each.answered, 0),
      clients.flatMap((each) => each.failures),
    ]
    console.log(`${answered} requests, ${failures.length} failed`)
    return { exitCode, failures, stderr: stderr.toString() }
  }
  let before: string[]
  let images: string[]

  beforeAll(async () => {
    // Other images than those of the checkout: with a label.
    for (const service of SERVICES) {
      const image = `bun-monitoring-${service}`
      await Bun.$`echo FROM ${image} | docker build --quiet --label older=yes --tag ${image} -`.quiet()
    }
    await compose('up', '--wait', ...OWN)
    before = await idsOf()
    images = await Promise.all(before.map(imageOf))
  }, 120_000)

  test('replaces gateway, dogs and cats, and no request fails', async () => {
    expect(await under(update)).toMatchObject({ exitCode: 0, failures: [] })
    const after = await idsOf()
    for (const [index, id] of after.entries()) {
      expect(id.trim().split('\n')).toHaveLength(1)
      expect(id).not.toBe(before[index]!)
      expect(await imageOf(id)).not.toBe(images[index]!)
    }
    expect((await compose('ps', '--all', '--services')).split('\n')).not.toContain('gateway-standin')
  }, 180_000)

  test('back uses the images of before, and no request fails', async () => {
    expect(await under(() => update({}, 'back'))).toMatchObject({ exitCode: 0, failures: [] })
    expect(await Promise.all((await idsOf()).map(imageOf))).toEqual(images)
  }, 180_000)

  test('that cannot start leaves the containers that run, and no request fails', async () => {
    const [, , cats] = await idsOf()
    const broken = await under(() => update({ CATS_WORKERS: 'many', WAIT_SECONDS: '20' }))
    expect(broken).toMatchObject({ exitCode: 1, failures: [] })
    expect(broken.stderr).toContain('cats: a new container did not become healthy')
    expect(await compose('ps', '--all', '-q', 'cats')).toBe(cats!)
  }, 180_000)
})

test('a restart keeps what was stored', async () => {
  const created = await fetch(`${gateway}/dogs/`, { method: 'POST', body: '{"name":"Rex","breed":"Pug"}' })
  const { id } = (await created.json()) as { id: number }
  await compose('restart', '--timeout', '15', 'dogs')
  await compose('up', '--wait', ...OWN)
  expect(await (await fetch(`${gateway}/dogs/${id}/`)).json()).toMatchObject({ id, name: 'Rex' })
}, 60_000)
