/** Checks of a running stack, for processes of this machine and for containers alike. */
import { expect } from 'bun:test'
import { join } from 'node:path'
import { mayBeEmpty } from '../monitoring/exceptions.ts'
import { dashboards } from '../monitoring/dashboards.ts'
import { selectorsOf } from '../monitoring/grafana/promql-tree.ts'
import { besidesOf, queriesOf } from '../monitoring/grafana/queries.ts'
import { recordingRules } from '../monitoring/prometheus/rules.ts'
import { services } from '../services/names.ts'

const ROOT = join(import.meta.dir, '..')
const ASK_AGAIN_AFTER_MS = 250

/** The targets of Prometheus, itself among them. */
const JOBS = [...services, 'exporter', 'gateway', 'prometheus'].toSorted()

/** Calls the function until it has no complaint. @throws Error with the last complaint when the time is over */
export async function until(complain: () => Promise<string | undefined>, withinMs: number): Promise<void> {
  const deadlineMs = performance.now() + withinMs
  for (;;) {
    const complaint = await complain()
    if (complaint === undefined) return
    if (performance.now() > deadlineMs) throw new Error(`after ${withinMs} ms: ${complaint}`)
    await Bun.sleep(ASK_AGAIN_AFTER_MS)
  }
}

/** Creates, lists, reads, changes and deletes one of each kind, as a client of the gateway does. */
export async function useTheApi(gateway: string): Promise<void> {
  for (const [kind, trait] of [
    ['dogs', 'likes_to_bark'],
    ['cats', 'likes_to_drop_things'],
  ] as const) {
    const ask = (path: string, method = 'GET', body?: object) =>
      fetch(`${gateway}/${kind}${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    const created = await ask('/', 'POST', { name: 'Rex', breed: 'Pug', is_test: true })
    expect(created.status).toBe(201)
    const { id } = (await created.json()) as { id: number }
    expect(created.headers.get('location')).toBe(`/${kind}/${id}/`)

    const list = (await (await ask('/?limit=1000')).json()) as { id: number }[]
    expect(list.map((pet) => pet.id)).toContain(id)
    expect((await ask(`/${id}/`, 'PUT', { name: 'Max', breed: 'Mix', [trait]: true })).status).toBe(200)
    const pet = await (await ask(`/${id}/`)).json()
    expect(pet).toEqual({ id, name: 'Max', breed: 'Mix', [trait]: true, is_test: true })
    expect((await ask(`/${id}/`, 'DELETE')).status).toBe(200)
    expect((await ask(`/${id}/`)).status).toBe(404)
  }
}

/** The gateway reaches a service, soon: it learns of a worker's new socket a moment after the service does. */
export const reaches = (gateway: string, service: string): Promise<void> =>
  until(async () => {
    const { status } = await fetch(`${gateway}/${service}/`)
    return status === 200 ? undefined : `${service} answers ${status}`
  }, 20_000)

interface Sample {
  metric: Record<string, string>
  value: [time: number, value: string]
}

export async function query(prometheus: string, promql: string): Promise<Sample[]> {
  const response = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query: promql })}`)
  const { status, data, error } = (await response.json()) as {
    status: string
    data: { result: Sample[] }
    error?: string
  }
  if (status !== 'success') throw new Error(`${promql}: ${error}`)
  return data.result
}

/** All scrape targets are up. */
export const allTargetsAreUp = (prometheus: string): Promise<void> =>
  until(async () => {
    const up = (await query(prometheus, 'up == 1')).map(({ metric }) => metric.job).toSorted()
    return Bun.deepEquals(up, JOBS) ? undefined : `up are only ${up.join(', ')}`
  }, 60_000)

/**
 * Every query of every dashboard, its annotations and variables among them, and every recording rule, gives at least one
 * number, or is in the list of those that may be empty.
 * @param isLoadWritten whether a load test writes its numbers to Prometheus, too
 */
export async function everyQueryHasData(prometheus: string, isLoadWritten = false): Promise<void> {
  const asked = dashboards
    .flatMap((dashboard) => queriesOf(dashboard).concat(besidesOf(dashboard)))
    .concat(recordingRules.map(({ record }) => record))
  await haveData(prometheus, isLoadWritten ? asked : asked.filter((promql) => !promql.includes('k6_')))
}

/** Recordings over days are made every two minutes. */
const DATA_WITHIN_MS = 150_000

/** Each of the queries gives at least one number, or is in the list of those that may be empty. */
export async function haveData(prometheus: string, asked: readonly string[]): Promise<void> {
  // A query for values above 0 has no result while all are 0.
  const withData = asked.filter((promql) => !promql.endsWith(' > 0'))
  let empty = withData.filter((promql) => !mayBeEmpty(selectorsOf(promql).map(({ metric }) => metric)))
  expect(empty.length).toBeGreaterThan(20)
  await until(async () => {
    const results = await Promise.all(empty.map((promql) => query(prometheus, promql)))
    // A query that has had data is done: when the load is over, a quantile has none.
    empty = empty.filter((_, i) => !results[i]!.some(({ value }) => !Number.isNaN(Number(value[1]))))
    return empty.length === 0 ? undefined : `no data for:\n${empty.join('\n')}`
  }, DATA_WITHIN_MS)
}

/** Runs the load test with these flags; resolves with its report. @throws Error when it fails, also when a threshold is crossed */
export async function load(
  gateway: string,
  env: Record<string, string>,
  ...flags: string[]
): Promise<string> {
  const run = Bun.spawn(
    [
      process.execPath,
      join(ROOT, 'k6/runner/index.ts'),
      '--quiet',
      '-e',
      `BASE_URL=${gateway}`,
      '-e',
      'SUMMARY=/dev/null',
      ...flags,
    ],
    { env: { ...Bun.env, ...env }, stdout: 'pipe', stderr: 'pipe' },
  )
  const [report, complaints] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
  ])
  if ((await run.exited) !== 0) throw new Error(`the load test failed:\n${report}\n${complaints}`)
  return report
}
