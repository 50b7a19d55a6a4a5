/**
 * deploy/swarm/stack.yml on a swarm of one node: three replicas of dogs behind the gateway on one PostgreSQL. They are replaced, killed
 * and scaled under load, and Prometheus counts the requests that were sent. The tests build on each other, in this order.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { commandsOf } from '../deploy/testing_pages.ts'
import { Page } from './page.ts'
import { services } from '../services/names.ts'
import { query, until } from './smoke.ts'
import { docker, NAME, SwarmStack } from './swarm_stack.ts'
import { Traffic } from './traffic.ts'

const SLOW_MS = 120_000
const CLIENTS = 16
/** Prometheus scrapes and discovers targets this many times as often as in the product: each second. */
const TIMES_FASTER = 10
/** The counts of a replica since its last scrape are lost when it ends: at most those of this many seconds. */
const UNTOLD_SECONDS = 3
/** Requests at one time: enough for each worker of each replica to get some. */
const ENOUGH_FOR_ALL = 60
const requests = 'http_server_request_duration_seconds_count'

const stack = new SwarmStack()
const { gateway, admin, exporter, prometheus } = stack.urls
const traffics: Traffic[] = []
/** Requests that replicas of dogs may have answered after their last scrape. */
let mostUntold = 0

/** Clients of dogs alone. */
const press = (postEvery = Infinity): Traffic => {
  const traffic = new Traffic(gateway, { clients: CLIENTS, kinds: ['dogs'], postEvery })
  traffics.push(traffic)
  return traffic
}
const untold = (traffic: Traffic, replaced: number): void => {
  mostUntold += ((replaced * traffic.answeredPerSecond) / 3) * UNTOLD_SECONDS
}
const sent = () => traffics.reduce((sum, { answered }) => sum + answered, 0)

/** The sum of the latest values of all replicas, those that are gone included. */
async function counted(series: string): Promise<number> {
  const [all] = await query(prometheus, `sum(max_over_time(${series}[1h]))`)
  return Number(all?.value[1] ?? 0)
}

/** The number of requests that each replica of dogs has answered, by the exporter's target. */
async function answeredByReplica(): Promise<Map<string, number>> {
  const page = await (await fetch(`${exporter}/metrics`)).text()
  const lines = page.matchAll(/^prefork_worker_requests_total\{app="dogs",target="([^"]+)".* (\d+)$/gm)
  const byTarget = Map.groupBy(lines, ([, target]) => target!)
  return new Map(
    [...byTarget].map(([target, found]) => [
      target,
      found.reduce((sum, [, , count]) => sum + Number(count), 0),
    ]),
  )
}

async function healthyDogs(): Promise<number> {
  const page = await Page.read(`${admin}/metrics`)
  return page.sum('gateway_upstream_targets', '{upstream="dogs",state="healthy"}')
}

/** Waits until the gateway, the exporter and Prometheus know this many replicas of dogs and no others. */
const allSee = (replicas: number): Promise<void> =>
  until(async () => {
    const healthy = await healthyDogs()
    const page = await Page.read(`${exporter}/metrics`)
    const [series] = await query(prometheus, 'count(count by (instance) (app_info{job="dogs"}))')
    const seen = [healthy, page.sum('exporter_target_up', ':9001'), Number(series?.value[1])]
    return seen.every((count) => count === replicas) ? undefined : `${seen.join(', ')} of ${replicas}`
  }, SLOW_MS)

setDefaultTimeout(SLOW_MS)

const isHere = isExpected(
  Bun.which('docker') !== null,
  'docker is not on PATH, so nothing checks the stack on a real swarm',
)

describe.skipIf(!isHere)('on a swarm of one node', () => {
  beforeAll(() => stack.deploy(TIMES_FASTER), 5 * SLOW_MS)
  afterAll(() => stack[Symbol.asyncDispose](), SLOW_MS)

  test('three replicas of dogs answer through the gateway', async () => {
    await allSee(3)
    await using traffic = press(5)
    await until(async () => {
      const each = [...(await answeredByReplica()).values()]
      return each.length === 3 && each.every((count) => count > 100)
        ? undefined
        : `answered: ${each.join(', ')}`
    }, SLOW_MS)
    await traffic.stop()
    expect(traffic.failures).toEqual([])
  })

  test('containers run as in compose: without root, capabilities and a writable file system', async () => {
    for (const service of ['gateway', ...services, 'exporter']) {
      for (const id of await stack.containers(service)) {
        const [{ Config, HostConfig }] = JSON.parse(await docker('inspect', id))
        expect(Config.User).toBe('bun')
        expect(HostConfig).toMatchObject({
          ReadonlyRootfs: true,
          CapDrop: ['ALL'],
          Init: true,
          Sysctls: { 'net.ipv4.tcp_migrate_req': '1' },
          Mounts: [{ Type: 'tmpfs', Target: '/tmp' }],
        })
      }
    }
  })

  test('while no replica starts or ends, clients, gateway, attempts and replicas count the same', async () => {
    await until(async () => {
      const counts = await Promise.all(
        [
          `${requests}{job="gateway"}`,
          'gateway_upstream_attempts_total{upstream="dogs"}',
          `${requests}{job="dogs"}`,
        ].map(counted),
      )
      return counts.every((count) => count === sent()) ? undefined : `${sent()} sent, counted: ${counts}`
    }, SLOW_MS)
  })

  test('an update of dogs under load fails no request', async () => {
    const before = await stack.containers('dogs')
    await using traffic = press(5)
    expect(await stack.update('dogs')).toBe('completed')
    await traffic.stop()
    const after = await stack.containers('dogs')
    expect(after).toHaveLength(3)
    expect(after.filter((id) => before.includes(id))).toEqual([])
    untold(traffic, 3)
    console.log(`update of dogs: ${traffic.answered} requests, ${traffic.failures.length} failed`)
    expect(traffic.failures).toEqual([])
  })

  test('an update that cannot start is taken back, and costs nothing', async () => {
    const before = await stack.containers('dogs')
    await using traffic = press(5)
    expect(await stack.update('dogs', '--env-add', 'DOGS_WORKERS=many')).toBe('rollback_completed')
    await traffic.stop()
    expect(traffic.failures).toEqual([])
    expect((await stack.containers('dogs')).toSorted()).toEqual(before.toSorted())
  })

  test('a container that is killed under load fails no GET, and is replaced', async () => {
    await using traffic = press()
    const [victim] = await stack.containers('dogs')
    await docker('kill', victim!)
    await until(async () => {
      const now = await stack.containers('dogs')
      return now.length === 3 && !now.includes(victim!) ? undefined : 'it is not replaced'
    }, SLOW_MS)
    await allSee(3)
    await traffic.stop()
    untold(traffic, 1)
    console.log(`container killed: ${traffic.answered} requests, ${traffic.failures.length} failed`)
    expect(traffic.failures).toEqual([])
  })

  test('after that the gateway has counted each request, and replicas lack what they never told', async () => {
    await until(async () => {
      const count = await counted(`${requests}{job="gateway"}`)
      return count === sent() ? undefined : `${sent()} sent, ${count} counted by the gateway`
    }, SLOW_MS)
    const attempts = await counted('gateway_upstream_attempts_total{upstream="dogs"}')
    const answered = await counted(`${requests}{job="dogs"}`)
    console.log({ sent: sent(), attempts, answered, mostUntold })
    expect(attempts).toBeGreaterThanOrEqual(sent())
    expect(answered).toBeLessThanOrEqual(attempts)
    expect(answered).toBeGreaterThan(attempts - mostUntold)
    expect(await query(prometheus, `resets(${requests}{job!="prometheus"}[1h]) > 0`)).toEqual([])
  })

  test('every dog that was acknowledged is there once', async () => {
    const ids: number[] = []
    for (let path: string | undefined = '/dogs/?limit=1000'; path !== undefined;) {
      const page: Response = await fetch(gateway + path)
      ids.push(...((await page.json()) as { id: number }[]).map(({ id }) => id))
      path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]
    }
    const created = traffics.flatMap((traffic) => traffic.created)
    expect(created.length).toBeGreaterThan(100)
    expect(ids).toEqual(created.toSorted((a, b) => a - b))
  })

  test(
    'the pages of deploy/operations back up, restore and rotate the password: GETs fail only for want of a connection',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'operations-'))
      const type = async (page: string) => {
        const [text] = (await commandsOf(page, 'Swarm')) as [string]
        const command = text.replaceAll('bun-monitoring_', `${NAME}_`)
        await Bun.$`bash -euo pipefail -c ${command}`.cwd(folder).quiet()
      }
      const newest = async () => (await (await fetch(`${gateway}/cats/`)).json()) as { name: string }[]
      const add = (name: string) =>
        fetch(`${gateway}/cats/`, { method: 'POST', body: JSON.stringify({ name, breed: 'Mix' }) })
      await add('kept')
      const before = await newest()
      await using traffic = press()
      await type('backup.md')
      await add('lost')
      await type('restore.md')
      expect(await newest()).toEqual(before)
      await type('passwords.md')
      await traffic.stop()
      // Both keep connections busy or from being opened, for longer than a request waits where the machine is busy.
      const isOther = (failure: string) => !failure.includes('No connection to the database was free')
      expect(traffic.failures.filter(isOther)).toEqual([])
      // With the old password they could not have started.
      const secrets = '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{.SecretName}}{{end}}'
      expect((await docker('service', 'inspect', '--format', secrets, `${NAME}_cats`)).trim()).toBe(
        'postgres_password_2',
      )
      expect(await stack.containers('cats')).toHaveLength(3)
      untold(traffic, 3)
      rmSync(folder, { recursive: true })
    },
    4 * SLOW_MS,
  )

  test('a database that is killed comes back elsewhere, and dogs find it', async () => {
    const replicas = await stack.containers('dogs')
    const [victim] = await stack.containers('postgres')
    await docker('kill', victim!)
    const killedMs = performance.now()
    await until(async () => {
      const [now] = await stack.containers('postgres')
      const isBack = now !== undefined && now !== victim && (await stack.isHealthy(now))
      return isBack ? undefined : 'it is not replaced'
    }, SLOW_MS)
    const healthyMs = performance.now()
    const store = () => fetch(`${gateway}/dogs/`, { method: 'POST', body: '{"name":"Max","breed":"Mix"}' })
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: ENOUGH_FOR_ALL }, store))
      const statuses = answers.map(({ status }) => status)
      return statuses.every((status) => status === 201) ? undefined : `answered: ${statuses}`
    }, SLOW_MS)
    const foundMs = performance.now() - healthyMs
    console.log({ databaseGoneMs: Math.round(healthyMs - killedMs), foundMs: Math.round(foundMs) })
    expect(foundMs).toBeLessThan(10_000)
    expect(await stack.containers('dogs')).toEqual(replicas)
  })

  test('scaling 3 -> 5 -> 2 is seen by gateway, exporter and Prometheus, and leaves nothing behind', async () => {
    await using traffic = press(5)
    for (const replicas of [5, 2]) {
      const startedMs = performance.now()
      await stack.scale('dogs', replicas)
      await allSee(replicas)
      console.log(`${replicas} replicas are seen after ${Math.round(performance.now() - startedMs)} ms`)
    }
    await traffic.stop()
    expect(traffic.failures).toEqual([])
  })

  test('an update of the gateway is a gap of seconds on its node, and nothing else', async () => {
    await using traffic = press()
    expect(await stack.update('gateway')).toBe('completed')
    await until(async () => ((await healthyDogs()) === 2 ? undefined : 'it is not ready'), SLOW_MS)
    await traffic.stop()
    const { answered, failures, longestGapMs } = traffic
    console.log({ answered, refused: failures.length, gapMs: Math.round(longestGapMs) })
    expect(failures.filter((failure) => /\d{3}/.test(failure))).toEqual([])
    expect(longestGapMs).toBeLessThan(10_000)
  })
})
