/** The routes of the exporter in this process: what a scrape and the live page are given. index.test.ts has the whole process. */
import { afterEach, expect, mock, test } from 'bun:test'
import { readConfig } from '../config/config.ts'
import type { LiveDocument } from '../live/monitor.ts'
import { serve, type Server } from './server.ts'

const log = { debug: mock(), info: mock(), warn: mock(), error: mock() }
const CORES = { id: 1, status: 'idle', cores: [{ id: 0, requests: 5, in_request: 0 }] }
const target = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  // Bun would close a silent connection after some seconds.
  idleTimeout: 0,
  fetch({ url }) {
    const { pathname } = new URL(url)
    if (pathname === '/stats') return Response.json({ name: 'dogs', workers: [CORES] })
    if (pathname === '/silent') return new Promise<Response>(() => {})
    return new Response('http_server_request_duration_seconds_count{http_route="/dogs/"} 1\n')
  },
})
const STATS = `${target.url}stats`
let server: Server | undefined
afterEach(() => server?.stop())

/** @returns a function that gets a path. */
async function serving(...flags: string[]) {
  const invocation = readConfig(['--web.listen-address=127.0.0.1:0', ...flags])
  if (!('config' in invocation)) throw new Error(JSON.stringify(invocation))
  server = await serve(invocation.config, log)
  return (path: string, headers: Record<string, string> = {}) =>
    fetch(server!.urls[0]! + path, { headers, keepalive: false })
}
const textOf = async (response: Promise<Response>) => (await response).text()

test('the label of a target has its address, and that of uwsgi_exporter the name that was given', async () => {
  const named = STATS.replace('127.0.0.1', 'localhost')
  const prefork = await serving(`--stats.uri=${named}`)
  expect(await textOf(prefork('/metrics'))).toContain(`exporter_target_up{target="${STATS}"} 1\n`)
  await server!.stop()
  const uwsgi = await serving(`--stats.uri=${named}`, '--metrics.namespace=uwsgi')
  expect(await textOf(uwsgi('/metrics'))).toContain(`uwsgi_workers{stats_uri="${named}"} 1\n`)
})

test('cores are on the page if they were asked for, and never in the data of the live page', async () => {
  const flags = [`--stats.uri=${STATS}`, '--metrics.namespace=uwsgi']
  const plain = await serving(...flags)
  expect(await textOf(plain('/metrics'))).not.toContain('uwsgi_worker_core_')
  await server!.stop()
  const detailed = await serving(...flags, '--collect.cores')
  expect(await textOf(detailed('/metrics'))).toContain('uwsgi_worker_core_requests_total{core_id="0",')
  expect(await textOf(detailed('/workers.json'))).not.toContain('"cores"')
})

test('any JSON object is a stats document in the namespace uwsgi, as for uwsgi_exporter', async () => {
  const object = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => Response.json({}) })
  for (const [namespace, up] of [
    ['uwsgi', 'uwsgi_up 1\n'],
    ['prefork', '} 0\n'],
  ]) {
    const get = await serving(`--stats.uri=${object.url}`, `--metrics.namespace=${namespace}`)
    expect(await textOf(get('/metrics'))).toContain(up!)
    await server!.stop()
  }
  await object.stop(true)
})

test('a scrape ends by its offset before the timeout of the scraper', async () => {
  const get = await serving(`--stats.uri=${target.url}silent`, '--timeout-offset=59.95')
  // The time limit of this test is shorter than the timeout of the scraper.
  const page = await textOf(get('/metrics', { 'X-Prometheus-Scrape-Timeout-Seconds': '60' }))
  expect(page).toContain(`exporter_target_up{target="${target.url}silent"} 0\n`)
})

test('the live page has the metrics of an app, and curves that grow by themselves', async () => {
  const get = await serving(`--stats.uri=${STATS}`, '--history=1h', '--history.step=100ms')
  let document: LiveDocument
  do document = (await (await get('/live.json?after=0')).json()) as LiveDocument
  while (document.curves.times.length < 3)
  expect(document.targets).toMatchObject([{ app: 'dogs', hasMetrics: true }])
})

test('a browser keeps no data, and asks again for the files of the page', async () => {
  const get = await serving(`--stats.uri=${STATS}`)
  const headersOf = async (path: string) => {
    const { headers } = await get(path)
    return [headers.get('Cache-Control'), headers.get('Vary')]
  }
  for (const path of ['/workers.json', '/-/healthy', '/-/ready'])
    expect([path, ...(await headersOf(path))]).toEqual([path, 'no-store', null])
  expect((await headersOf('/live.json'))[0]).toBe('no-store')
  // A cache must not give the compressed file to a client that cannot read it.
  for (const path of ['/', '/page/main.js', '/page/style.css'])
    expect([path, ...(await headersOf(path))]).toEqual([path, 'no-cache', 'Accept-Encoding'])
})
