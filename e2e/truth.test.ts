/**
 * The metrics of the stack are true: under load every query finds data, each process counts exactly the requests that the load test
 * sent, and no client can make new series.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onlyAfter } from '../monitoring/exceptions.ts'
import { families } from '../monitoring/families.ts'
import { dashboards } from '../monitoring/dashboards.ts'
import { queriesOf } from '../monitoring/grafana/queries.ts'
import { type FreeStack, startFreeStack } from './free_stack.ts'
import { Page } from './page.ts'
import { allTargetsAreUp, everyQueryHasData, haveData, load, query, until } from './smoke.ts'

const RANDOM_REQUESTS = 10_000
const CONNECTIONS = 16
/** Fewer crashes than those that make the master wait before it spawns the next worker. */
const KILLS = 6
const LOOK_AGAIN_AFTER_MS = 10
const folder = mkdtempSync(join(tmpdir(), 'bun-monitoring-truth-'))
const requests = 'http_server_request_duration_seconds_count'

type Stats = { workers: { pid: number; state: string }[] }

let running: FreeStack
beforeAll(async () => {
  running = await startFreeStack(10)
  await allTargetsAreUp(running.urls.prometheus)
}, 60_000)
afterAll(async () => {
  await running?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}, 60_000)

const pages = async () => {
  const { admin, exporter } = running.urls
  const [gateway, dogs, cats, workers] = await Promise.all(
    [admin.gateway, admin.dogs, admin.cats, exporter].map((url) => Page.read(`${url}/metrics`)),
  )
  return { gateway: gateway!, dogs: dogs!, cats: cats!, workers: workers! }
}

test('under load every query of the dashboards and every recording has data, those of the load test too', async () => {
  const file = join(folder, 'summary.json')
  const flags = ['-o', 'prometheus', '-e', `SUMMARY=${file}`]
  const { prometheus, gateway } = running.urls
  await Promise.all([
    load(gateway, { K6_PROMETHEUS_RW_SERVER_URL: `${prometheus}/api/v1/write` }, ...flags),
    everyQueryHasData(prometheus, true),
  ])
}, 120_000)

test('with an app and its instance chosen, the dashboards about it still have data', async () => {
  const { urls } = running
  // Grafana escapes values of variables like this.
  const $instance = new URL(urls.admin.dogs).host.replaceAll('.', String.raw`\\.`)
  const asked = dashboards
    .filter(({ uid }) => ['service', 'workers', 'database'].includes(uid!))
    .flatMap((dashboard) => queriesOf(dashboard, { $job: 'dogs', $instance }))
    .filter((promql) => !promql.includes('exporter_build_info'))
    // Tiles ask for each app by itself.
    .filter((promql) => !/(job|app)="(?!dogs"|exporter"|prometheus")/.test(promql))
  await haveData(urls.prometheus, asked)
}, 60_000)

test('the load test, the gateway, its attempts and the services counted the same number of requests', async () => {
  const { metrics } = await Bun.file(join(folder, 'summary.json')).json()
  const { gateway, dogs, cats } = await pages()
  const sent = metrics.http_reqs.values.count
  expect(sent).toBeGreaterThan(1000)
  expect({
    gateway: gateway.sum(requests),
    attempts: gateway.sum('gateway_upstream_attempts_total'),
    services: dogs.sum(requests) + cats.sum(requests),
  }).toEqual({ gateway: sent, attempts: sent, services: sent })
})

test('the pages have the families of the catalogue, no other and no fewer', async () => {
  const found = new Set(Object.values(await pages()).flatMap((page) => page.families))
  const missing = families.map(([name]) => name).filter((name) => !found.has(name))
  const known = new Set(families.map(([name]) => name))
  expect([...found].filter((name) => !known.has(name))).toEqual([])
  expect(missing.filter((name) => !(name in onlyAfter))).toEqual([])
})

test('ten thousand requests to random paths with random methods make no series', async () => {
  const { gateway } = running.urls
  const methods = ['GET', 'PUT', 'DELETE', 'BREW', 'PROPFIND', 'X'.repeat(20)]
  const ask = async (turn: number) => {
    const prefix = ['', '/dogs', '/cats'][turn % 3]!
    const method = methods[turn % methods.length]!
    const url = `${gateway}${prefix}/${crypto.randomUUID()}?${crypto.randomUUID()}`
    await (await fetch(url, { method })).arrayBuffer()
  }
  const client = async (first: number, count: number) => {
    for (let turn = first; turn < count; turn += CONNECTIONS) await ask(turn)
  }
  const all = (count: number) =>
    Promise.all(Array.from({ length: CONNECTIONS }, (_, first) => client(first, count)))
  const seriesNow = async () => Object.values(await pages()).reduce((sum, page) => sum + page.series, 0)

  await all(20 * CONNECTIONS) // every route, method and status once
  const before = await seriesNow()
  await all(RANDOM_REQUESTS)
  const after = await seriesNow()
  console.log(`series of the stack: ${before} before ${RANDOM_REQUESTS} random requests, ${after} after`)
  expect(after).toBe(before)
}, 120_000)

test('with workers killed under load no counter falls, and attempts are between the requests that were finished and those that were begun', async () => {
  const { gateway: url, admin, prometheus } = running.urls
  const counters = 'http_server_request_duration_seconds_count{job!="prometheus"}'
  const loaded = load(url, {}, '--vus', '20', '--duration', '8s', '--no-thresholds')
  // The load test tries each operation once before its load, and ends if one fails.
  const countNow = async () => (await pages()).gateway.sum(requests)
  const enough = (await countNow()) + 200
  await until(async () => ((await countNow()) > enough ? undefined : 'the load has not begun'), 20_000)
  const killed = new Set<number>()
  const isOver = () =>
    Promise.race([loaded.then(() => true), Bun.sleep(LOOK_AGAIN_AFTER_MS).then(() => killed.size === KILLS)])
  while (!(await isOver())) {
    const { workers } = (await (await fetch(`${admin.dogs}/stats`)).json()) as Stats
    const victim = workers.find(({ pid, state }) => state === 'busy' && !killed.has(pid))
    if (victim === undefined) continue
    killed.add(victim.pid)
    process.kill(victim.pid, 'SIGKILL')
  }
  await loaded
  expect(killed.size).toBeGreaterThan(0)
  expect(await query(prometheus, `sum(resets(${counters}[1m])) > 0`)).toEqual([])

  const { gateway, dogs, cats } = await pages()
  const attempts = gateway.sum('gateway_upstream_attempts_total')
  const finished = dogs.sum(requests) + cats.sum(requests)
  const abandoned =
    dogs.sum('http_server_abandoned_requests_total') + cats.sum('http_server_abandoned_requests_total')
  const unanswered = gateway.sum(
    'gateway_upstream_request_duration_seconds_count',
    'http_response_status_code="0"',
  )
  console.log({ killed: killed.size, attempts, finished, abandoned, unanswered })
  expect(finished).toBeLessThanOrEqual(attempts)
  expect(attempts).toBeLessThanOrEqual(finished + abandoned + unanswered)
}, 60_000)
