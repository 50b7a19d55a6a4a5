/** A server of `serveHttp` is counted, whether or not its app knows of counts. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { sumOf, temporaryFolder, Toys } from '../testdata/toys.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const plain = (env: Record<string, string>) => new Toys(env, temporaryFolder(), 'counted.ts')

describe.each([0, 2])('with WORKERS=%d', (workers) => {
  test('requests, exceptions, bytes and requests in flight of a plain app are counted', async () => {
    await using cluster = plain({ TOYS_WORKERS: String(workers) })
    const { url } = await cluster.ready()
    for (const path of ['/', '/', '/missing', '/bytes', '/throw']) await fetch(url + path)
    await fetch(url, { method: 'HEAD' })
    const leaving = new AbortController()
    void fetch(`${url}/never`, { signal: leaving.signal }).catch(() => {})
    const stats = await cluster.until('a request in flight', (each) =>
      each.workers.some(({ in_flight }) => in_flight),
    )
    const sum = (key: 'requests' | 'exceptions' | 'tx' | 'in_flight') =>
      stats.workers.reduce((total, worker) => total + worker[key], 0)
    expect({
      requests: sum('requests'),
      exceptions: sum('exceptions'),
      tx: sum('tx'),
      inFlight: sum('in_flight'),
    }).toEqual({
      requests: 6,
      exceptions: 1,
      tx: 2 * 'hello'.length + 'no such toy'.length + 1000,
      inFlight: 1,
    })
    leaving.abort()
  })
})

test('a plain app is recycled after MAX_REQUESTS, and no request is lost', async () => {
  await using cluster = plain({ TOYS_WORKERS: '1', TOYS_MAX_REQUESTS: '5' })
  const { url } = await cluster.ready()
  for (let count = 0; count < 40; count++) expect(await (await fetch(url)).text()).toBe('hello')
  const { workers } = await cluster.until(
    'a recycled worker',
    (each) => each.workers[0]!.exits.max_requests! > 0,
  )
  expect(workers[0]!.requests).toBe(40)
})

test('the requests of a plain app that its worker loses are counted as abandoned', async () => {
  await using cluster = plain({ TOYS_WORKERS: '1' })
  const { url } = await cluster.ready()
  const lost = [1, 2].map(() => fetch(`${url}/never`).catch(() => 'cut off'))
  const { workers } = await cluster.until('requests in flight', (each) => each.workers[0]!.in_flight === 2)
  process.kill(workers[0]!.pid, 'SIGKILL')
  expect(await Promise.all(lost)).toEqual(['cut off', 'cut off'])
  await cluster.until('a new worker', (each) => each.workers[0]!.respawn_count === 2)
  expect(sumOf(await cluster.page(), 'http_server_abandoned_requests_total')).toBe(2)
})
