/** The stack in containers: `docker compose up --build`, without Grafana, whose image not every machine can pull. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandsOf } from '../deploy/testing_pages.ts'
import { services } from '../services/names.ts'
import { allTargetsAreUp, everyQueryHasData, load, query, until, useTheApi } from './smoke.ts'
import { Traffic } from './traffic.ts'

const gateway = 'http://127.0.0.1:8000'
const prometheus = 'http://127.0.0.1:9090'
const OWN = ['gateway', ...services, 'exporter']

const ROOT = join(import.meta.dir, '..')

/** A project of its own: the volumes of a stack that is in use are not touched. */
const PROJECT = { COMPOSE_PROJECT_NAME: 'bun-monitoring-e2e' }

const compose = async (...words: string[]): Promise<string> =>
  Bun.$`docker compose ${words}`
    .cwd(ROOT)
    .env({ ...Bun.env, ...PROJECT })
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

test.each(OWN)('the image of %s has only what it runs, and licences', async (service) => {
  const id = (await compose('ps', '-q', service)).trim()
  const files = (await Bun.$`docker exec ${id} find . -type f`.text()).trim().split('\n')
  const [packages, own] = [true, false].map((isPackage) =>
    files.filter((file) => file.includes('/node_modules/') === isPackage),
  ) as [string[], string[]]
  expect(packages.filter((file) => !/\.(m|c)?js$|\.json$|\.css$|licen[cs]e/i.test(file))).toEqual([])
  expect(packages.filter((file) => /node_modules\/(typescript|bun-types|@types)\//.test(file))).toEqual([])
  // Code, pages, settings, and the two texts. The package.json of a workspace is there, which the lock file names.
  expect(own.length).toBeGreaterThan(50)
  expect(
    own.filter((file) => !/\.(ts|html|css|js|svg|toml|json)$|\/(LICENSE|image\.txt|bun\.lock)$/.test(file)),
  ).toEqual([])
  expect(own.filter((file) => /\.test\.ts$|\/testing|\/(bench|testdata|pictures)\//.test(file))).toEqual([])
  const folders = new Set(own.filter((file) => file.endsWith('.ts')).map((file) => file.split('/')[1]))
  const isPets = services.some((name) => name === service)
  expect(folders).toEqual(new Set(['packages', isPets ? 'services' : service]))
  const others = services.filter((name) => name !== service).map((name) => `./services/${name}/`)
  const foreign = own.filter((file) => others.some((folder) => file.startsWith(folder)))
  expect(foreign.filter((file) => isPets && file.endsWith('.ts'))).toEqual([])
})

test('an image is at most 10 MB larger than its base', async () => {
  const sizeOf = async (image: string) =>
    Number(await Bun.$`docker image inspect -f ${'{{.Size}}'} ${image}`.text())
  const base = await sizeOf('oven/bun:1.4.5-slim')
  for (const service of OWN) expect((await sizeOf(`bun-monitoring-${service}`)) - base).toBeWithin(1e6, 10e6)
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
  await Bun.$`docker compose up --wait dogs`
    .cwd(ROOT)
    .env({ ...Bun.env, ...PROJECT, DOGS_WORKERS: '8' })
    .quiet()
  const workers = 'sum(prefork_workers{app="dogs"})'
  await until(async () => {
    const [sample] = await query(prometheus, workers)
    return sample?.value[1] === '8' ? undefined : `${workers} is ${sample?.value[1]}`
  }, 60_000)
}, 120_000)

describe('an update', () => {
  const SERVICES = ['gateway', ...services]
  const update = (env: Record<string, string> = {}, ...words: string[]) =>
    Bun.$`deploy/compose/update.sh ${words}`
      .cwd(ROOT)
      .env({ ...Bun.env, ...PROJECT, ...env })
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

  test('replaces gateway and services, and `back` goes to the images of before: no request fails', async () => {
    expect(await under(update)).toMatchObject({ exitCode: 0, failures: [] })
    const after = await idsOf()
    for (const [index, id] of after.entries()) {
      expect(id.trim().split('\n')).toHaveLength(1)
      expect(id).not.toBe(before[index]!)
      expect(await imageOf(id)).not.toBe(images[index]!)
    }
    expect((await compose('ps', '--all', '--services')).split('\n')).not.toContain('gateway-standin')
    expect(await under(() => update({}, 'back'))).toMatchObject({ exitCode: 0, failures: [] })
    expect(await Promise.all((await idsOf()).map(imageOf))).toEqual(images)
  }, 300_000)

  test('that cannot start leaves the containers that run, and no request fails', async () => {
    const before = await compose('ps', '--all', '-q', 'dogs')
    const broken = await under(() => update({ DOGS_WORKERS: 'many', WAIT_SECONDS: '20' }))
    expect(broken).toMatchObject({ exitCode: 1, failures: [] })
    expect(broken.stderr).toContain('dogs: a new container did not become healthy')
    expect(await compose('ps', '--all', '-q', 'dogs')).toBe(before)
  }, 180_000)
})

test('an update of a stack that does not run, or back to images that are not there, changes nothing', async () => {
  const run = async (project: string, ...words: string[]) => {
    const env = { ...Bun.env, COMPOSE_PROJECT_NAME: project }
    const { exitCode, stderr } = await Bun.$`deploy/compose/update.sh ${words}`
      .cwd(ROOT)
      .env(env)
      .quiet()
      .nothrow()
    return [exitCode, stderr.toString()]
  }
  const missing = 'gateway does not run: start the stack with docker compose up --build --detach\n'
  expect(await run('bun-monitoring-none')).toEqual([1, missing])
  expect(await run('bun-monitoring-none', 'back')).toEqual([1, missing])
  expect(await run('bun-monitoring-none', 'forwards')).toEqual([
    2,
    expect.stringMatching(/^usage: \S*update\.sh \[back\]\n$/),
  ])
  const image = (await Bun.$`docker image inspect -f ${'{{.Id}}'} bun-monitoring-gateway`.text()).trim()
  await Bun.$`docker rmi --no-prune bun-monitoring-cats:previous`.quiet().nothrow()
  expect(await run(PROJECT.COMPOSE_PROJECT_NAME, 'back')).toEqual([
    1,
    'there are no images of before an update\n',
  ])
  expect((await Bun.$`docker image inspect -f ${'{{.Id}}'} bun-monitoring-gateway`.text()).trim()).toBe(image)
  await Bun.$`docker tag bun-monitoring-cats bun-monitoring-cats:previous`
}, 60_000)

describe('the pages of deploy/operations', () => {
  const folder = mkdtempSync(join(tmpdir(), 'operations-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  /** Runs a code block as an operator does, from the folder of the checkout; the files that it writes and reads are in `folder`. */
  const type = async (page: string, block: number) => {
    const text = (await commandsOf(page, 'Compose'))[block]!
    const command = text.replaceAll(/([<>]) dogs\.sqlite/g, `$1 ${folder}/dogs.sqlite`)
    const { exitCode, stderr } = await Bun.$`bash -euo pipefail -c ${command}`
      .cwd(ROOT)
      .env({ ...Bun.env, ...PROJECT })
      .quiet()
      .nothrow()
    expect([exitCode, exitCode === 0 ? '' : stderr.toString()]).toEqual([0, ''])
  }
  const names = async () =>
    ((await (await fetch(`${gateway}/dogs/`)).json()) as { name: string }[]).map(({ name }) => name)
  const add = (name: string) =>
    fetch(`${gateway}/dogs/`, { method: 'POST', body: JSON.stringify({ name, breed: 'Pug' }) })
  const replicas = async () => (await compose('ps', '-q', 'dogs')).trim().split('\n').length

  test('back up, and restore under load: no request fails, and only the rows of the backup are there', async () => {
    await add('kept')
    const before = await names()
    await type('backup.md', 0)
    await add('lost')
    await using traffic = new Traffic(gateway)
    await type('restore.md', 0)
    await traffic.stop()
    expect(traffic.failures).toEqual([])
    expect(await names()).toEqual(before)
  }, 60_000)

  test('add two replicas, and remove them: no request fails', async () => {
    await using traffic = new Traffic(gateway)
    await type('replicas.md', 0)
    expect(await replicas()).toBe(3)
    await type('replicas.md', 1)
    expect(await replicas()).toBe(1)
    await traffic.stop()
    expect(traffic.failures).toEqual([])
  }, 120_000)

  test('go back to before a migration: the service starts without rows, and a restore brings them', async () => {
    const before = await names()
    await type('backup.md', 0)
    const [first] = (await commandsOf('rollback.md', 'Before a migration')) as [string]
    await Bun.$`bash -euo pipefail -c ${first}`
      .cwd(ROOT)
      .env({ ...Bun.env, ...PROJECT })
      .quiet()
    expect(await names()).toEqual([])
    await type('restore.md', 0)
    expect(await names()).toEqual(before)
  }, 120_000)

  test('the gateway comes back with its address', async () => {
    const id = (await compose('ps', '-q', 'gateway-address')).trim()
    await Bun.$`docker kill ${id}`.quiet()
    await expect(names()).rejects.toThrow()
    await type('lost_node.md', 1)
    await compose('up', '--wait', '--no-recreate', ...OWN)
    expect((await names()).length).toBeGreaterThan(0)
  }, 120_000)
})

test('a process that is killed comes back by itself, and with gateway-address the gateway does', async () => {
  for (const service of [...OWN, 'gateway-address']) {
    const id = (await compose('ps', '-q', service)).trim()
    const [{ State }] = await Bun.$`docker inspect ${id}`.json()
    process.kill(State.Pid, 'SIGKILL')
    await until(async () => {
      const [{ State: now, RestartCount }] = await Bun.$`docker inspect ${id}`.json()
      return RestartCount > 0 && now.Running ? undefined : `${service} does not run`
    }, 30_000)
    await until(async () => {
      const status = await fetch(`${gateway}/dogs/`, { signal: AbortSignal.timeout(5000) }).then(
        (response) => response.status,
        (error: Error) => error.message,
      )
      return status === 200 ? undefined : `after the end of ${service}: ${status}`
    }, 60_000)
  }
}, 300_000)

test('a restart keeps what was stored', async () => {
  const created = await fetch(`${gateway}/dogs/`, { method: 'POST', body: '{"name":"Rex","breed":"Pug"}' })
  const { id } = (await created.json()) as { id: number }
  await compose('restart', '--timeout', '15', 'dogs')
  await compose('up', '--wait', ...OWN)
  expect(await (await fetch(`${gateway}/dogs/${id}/`)).json()).toMatchObject({ id, name: 'Rex' })
}, 60_000)
