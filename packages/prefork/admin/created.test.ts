/** The times on the metrics page of a cluster since when its series count: deaths of workers do not change them. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { Toys } from '../testdata/toys.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const OPEN_METRICS = { Accept: 'application/openmetrics-text; version=1.0.0' }

/** `_created` lines by name and labels. */
async function createdOf(cluster: Toys): Promise<Map<string, number>> {
  const { admin } = await cluster.ready()
  const page = await (await fetch(`${admin}/metrics?created=1`, { headers: OPEN_METRICS })).text()
  return new Map(
    [...page.matchAll(/^(\S+_created(?:\{.*\})?) (\S+)$/gm)].map(([, series, at]) => [series!, Number(at)]),
  )
}

async function replaceWorker(cluster: Toys): Promise<void> {
  const [pid] = await cluster.pids()
  process.kill(pid!, 'SIGKILL')
  await cluster.until(
    'the next worker',
    ({ workers }) => workers[0]!.pid !== pid && workers[0]!.accepting === 1,
  )
}

test('series count since the start of the master or the page before them, and the death of a worker changes no time', async () => {
  const startedAfter = Date.now() / 1000 - 1
  await using cluster = new Toys({ TOYS_WORKERS: '1' })
  const { url } = await cluster.ready()
  const first = await createdOf(cluster)
  const readyAt = Date.now() / 1000
  expect(first.size).toBeGreaterThan(5)
  const start = first.get('process_cpu_seconds_created')!
  expect(start).toBeWithin(startedAfter, readyAt)
  expect([...new Set(first.values())]).toEqual([start])

  // The first request of a method makes series.
  const makeSeries = async () => (await fetch(url, { method: 'DELETE' })).bytes()
  await makeSeries()
  const second = await createdOf(cluster)
  const added = [...second].filter(([series]) => !first.has(series))
  expect(added.length).toBeGreaterThan(0)
  for (const [series, at] of added) {
    expect(series).toContain('"DELETE"')
    expect(at).toBeWithin(start + 0.001, readyAt + 0.001)
  }

  await replaceWorker(cluster)
  await makeSeries()
  const third = await createdOf(cluster)
  for (const [series, at] of second) expect([series, third.get(series)]).toEqual([series, at])
})

test('the next master has a later time, because its counters begin at 0', async () => {
  const startOf = async () => {
    await using cluster = new Toys({ TOYS_WORKERS: '1' })
    return (await createdOf(cluster)).get('process_cpu_seconds_created')!
  }
  const before = await startOf()
  expect(await startOf()).toBeGreaterThan(before)
})

test('without the parameter there is no time on the page', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1' })
  const { admin } = await cluster.ready()
  await createdOf(cluster)
  for (const query of ['', '?created=0']) {
    const page = await (await fetch(`${admin}/metrics${query}`, { headers: OPEN_METRICS })).text()
    expect(page).toEndWith('# EOF\n')
    expect(page).not.toContain('_created')
  }
})
