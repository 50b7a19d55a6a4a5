/** What a running stack must show, wherever it runs: on this machine or in containers. */
import { expect } from 'bun:test'
import { join } from 'node:path'
import { mayBeEmpty } from '../monitoring/exceptions.ts'
import { dashboards } from '../monitoring/dashboards.ts'
import { selectorsOf } from '../monitoring/grafana/promql-tree.ts'
import { besidesOf, queriesOf } from '../monitoring/grafana/queries.ts'
import { recordingRules } from '../monitoring/prometheus/rules.ts'

const ROOT = join(import.meta.dir, '..')
const ASK_AGAIN_AFTER_MS = 250

/** Five targets: gateway, dogs, cats, exporter and Prometheus itself. */
const JOBS = ['cats', 'dogs', 'exporter', 'gateway', 'prometheus']

/** Asks again until there is nothing left to complain about, or the time is over: then the complaint is the error. */
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

/** All five scrape targets are up. */
export const allTargetsAreUp = (prometheus: string): Promise<void> =>
  until(async () => {
    const up = (await query(prometheus, 'up == 1')).map(({ metric }) => metric.job).toSorted()
    return Bun.deepEquals(up, JOBS) ? undefined : `up are only ${up.join(', ')}`
  }, 60_000)

/**
 * Every query of every dashboard, its annotations and variables among them, and every recording rule, gives at least one
 * number, or is of what may be empty.
 * @param isK6Writing whether the numbers of a load test come in, too.
 */
export async function everyQueryHasData(prometheus: string, isK6Writing = false): Promise<void> {
  const asked = dashboards
    .flatMap((dashboard) => queriesOf(dashboard).concat(besidesOf(dashboard)))
    .concat(recordingRules.map(({ record }) => record))
  await haveData(prometheus, isK6Writing ? asked : asked.filter((promql) => !promql.includes('k6_')))
}

/** Each of the queries gives at least one number, or is of what may be empty. */
export async function haveData(prometheus: string, asked: readonly string[]): Promise<void> {
  const queries = asked.filter((promql) => !mayBeEmpty(selectorsOf(promql).map(({ metric }) => metric)))
  expect(queries.length).toBeGreaterThan(20)
  await until(async () => {
    const results = await Promise.all(queries.map((promql) => query(prometheus, promql)))
    const empty = queries.filter((_, i) => !results[i]!.some(({ value }) => !Number.isNaN(Number(value[1]))))
    return empty.length === 0 ? undefined : `no data for:\n${empty.join('\n')}`
  }, 45_000)
}

/** Runs a shape of the load test; resolves with k6's report. @throws when a threshold is crossed. */
export async function k6(gateway: string, env: Record<string, string>, ...flags: string[]): Promise<string> {
  const run = Bun.spawn(
    [
      'k6',
      'run',
      '--quiet',
      '-e',
      `BASE_URL=${gateway}`,
      '-e',
      'SUMMARY=/dev/null',
      ...flags,
      join(ROOT, 'k6/load_test.ts'),
    ],
    {
      env: { ...Bun.env, ...env, K6_AUTO_EXTENSION_RESOLUTION: 'false' },
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  const [report, complaints] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
  ])
  if ((await run.exited) !== 0) throw new Error(`k6 failed:\n${report}\n${complaints}`)
  return report
}
