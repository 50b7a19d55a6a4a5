/** The page of the namespace `prefork`; testdata/metrics.txt is the expected one. */
import { expect, test } from 'bun:test'
import { renderText } from '@bun-monitoring/metrics'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { parseStats } from '../stats/parse.ts'
import type { Reading } from '../stats/scrape.ts'
import { BUILD } from '../config/version.ts'
import { preforkFamilies, preforkPage } from './prefork.ts'

const testdata = (name: string) => Bun.file(`${import.meta.dir}/../testdata/${name}`).text()

const reading = (target: string, text: string): Reading => ({
  target,
  durationSeconds: 0.005,
  ...parseStats(text, { withCores: false, acceptsAnyObject: true }),
})
const pageOf = (...readings: Reading[]) => renderText(preforkFamilies(readings))
const samplesOf = (page: string) => page.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

async function goldenPage(): Promise<string> {
  return pageOf(
    reading('http://127.0.0.1:9001/stats', await testdata('stats.json')),
    reading('http://127.0.0.1:9002/stats', 'no document'),
  )
}

test('our stats document gives the golden page', async () => {
  expect(await goldenPage()).toBe(await testdata('metrics.txt'))
})

test("a real uWSGI's document gives what it has, under its address", async () => {
  const page = pageOf(reading('http://u', await testdata('uwsgi-stats.json')))
  expect(page).toContain('prefork_workers{app="http://u",target="http://u",state="ready"} 2\n')
  expect(page).toContain(
    'prefork_worker_running_seconds_total{app="http://u",target="http://u",worker="1"} 125.619436\n',
  )
  expect(page).not.toContain('prefork_worker_in_flight')
  expect(page).not.toContain('prefork_reloads_total')
})

test('a cluster without workers has each state at 0', () => {
  const states = samplesOf(pageOf(reading('u', '{"workers":[]}'))).filter((line) =>
    line.startsWith('prefork_workers'),
  )
  expect(states).toHaveLength(7)
  expect(states).toContain('prefork_workers{app="u",target="u",state="ready"} 0')
  expect(states.every((line) => line.endsWith(' 0'))).toBe(true)
})

test('a key that a document does not have gives no series', () => {
  expect(samplesOf(pageOf(reading('http://u', '{}')))).toEqual([
    'exporter_target_up{target="http://u"} 1',
    'exporter_target_scrape_duration_seconds{target="http://u"} 0.005',
  ])
})

test('values that only uWSGI has: signals, apps and caches; memory of 0 is unknown, and a stopped worker is cheap', () => {
  const worker = {
    id: 1,
    pid: 0,
    status: 'cheap',
    signals: 3,
    harakiri_count: 2,
    rss: 0,
    vsz: 0,
    apps: [{ id: 0, mountpoint: '/a', chdir: '', requests: 5, exceptions: 1, startup_time: 2 }],
  }
  const cache = { name: 'c', items: 1, max_items: 2, hits: 3, miss: 4, full: 5 }
  const page = pageOf(reading('u', JSON.stringify({ workers: [worker], caches: [cache] })))
  const labels = 'app="u",target="u"'
  const app = `${labels},worker="1",app_id="0",mountpoint="/a",chdir=""`
  for (const line of [
    `prefork_workers{${labels},state="cheap"} 1`,
    `prefork_workers{${labels},state="dead"} 0`,
    `prefork_worker_exits_total{${labels},worker="1",reason="harakiri"} 2`,
    `prefork_worker_signals_total{${labels},worker="1"} 3`,
    `prefork_worker_app_requests_total{${app}} 5`,
    `prefork_worker_app_exceptions_total{${app}} 1`,
    `prefork_worker_app_startup_seconds{${app}} 2`,
    `prefork_cache_hits_total{${labels},cache="c"} 3`,
    `prefork_cache_misses_total{${labels},cache="c"} 4`,
    `prefork_cache_full_total{${labels},cache="c"} 5`,
    `prefork_cache_items{${labels},cache="c"} 1`,
    `prefork_cache_items_limit{${labels},cache="c"} 2`,
  ])
    expect(samplesOf(page)).toContain(line)
  expect(page).not.toContain('memory_bytes')
})

test('a negative value has no series, and the first of equal ids counts', () => {
  const workers = [
    { id: 1, requests: -1, exceptions: 2 },
    { id: 1, exceptions: 3 },
  ]
  const page = pageOf(reading('u', JSON.stringify({ workers })))
  expect(page).not.toContain('prefork_worker_requests_total')
  expect(page.match(/^prefork_worker_exceptions_total.*/gm)).toEqual([
    'prefork_worker_exceptions_total{app="u",target="u",worker="1"} 2',
  ])
})

test('the first start is no respawn, and there are never fewer than none', () => {
  const workers = [0, 1, 4].map((respawn_count, index) => ({ id: index + 1, respawn_count }))
  const lines = samplesOf(pageOf(reading('u', JSON.stringify({ workers }))))
  const respawns = lines.filter((line) => line.startsWith('prefork_worker_respawns_total'))
  expect(respawns.map((line) => line.split(' ').at(-1))).toEqual(['0', '0', '3'])
})

test('a cluster that never reloaded has no time of the last reload', () => {
  expect(pageOf(reading('u', '{"reloads":0,"last_reload":0}'))).not.toContain('prefork_last_reload')
})

test('queues of listeners that share an address are added', () => {
  const sockets = [
    { name: ':1', queue: 2, max_queue: 9 },
    { name: ':1', queue: 3, max_queue: 9 },
    { name: ':2', queue: 1 },
    { name: ':2' },
    { name: '', queue: 7 },
  ]
  const page = pageOf(reading('u', JSON.stringify({ name: 'a', sockets })))
  expect(page).toContain('prefork_listen_queue_length{app="a",target="u",socket=":1"} 5\n')
  expect(page).toContain('prefork_listen_queue_limit{app="a",target="u",socket=":1"} 18\n')
  expect(page).toContain('prefork_listen_queue_length{app="a",target="u",socket=":2"} 1\n')
  expect(page).not.toContain('prefork_listen_queue_limit{app="a",target="u",socket=":2"}')
  // A listener without an address cannot be told from others.
  expect(page).not.toContain('socket=""')
})

test('no series appears twice, even if two targets are the same app with hostile names', () => {
  const document = JSON.stringify({
    name: 'a"\\\n',
    sockets: [
      { name: '\ud800', queue: 1 },
      { name: '\ud801', queue: 1 },
    ],
    workers: [{ id: 1, requests: 1, exits: { '\ud800': 1, '\ud801': 1, ['__proto__']: 2, 'a\nb': 3 } }],
  })
  const lines = samplesOf(pageOf(reading('http://a', document), reading('http://b', document)))
  const series = lines.map((line) => line.slice(0, line.lastIndexOf(' ')))
  expect(new Set(series).size).toBe(series.length)
})

const isPromtoolExpected = isExpected(
  Bun.which('promtool') !== null,
  'promtool is not on PATH, so the page is not checked with it',
)

test.skipIf(!isPromtoolExpected)('promtool finds no problem in the page', async () => {
  const child = Bun.spawn(['promtool', 'check', 'metrics'], {
    stdin: new Blob([await goldenPage()]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const said = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text())
  expect({ said, code: await child.exited }).toEqual({ said: '', code: 0 })
})

test('the page has the version of the exporter, once', () => {
  const readings = [reading('u', '{}'), reading('v', '{}')]
  const lines = samplesOf(renderText(preforkPage(readings))).filter((line) =>
    line.startsWith('exporter_build'),
  )
  expect(lines).toEqual([
    `exporter_build_info{version="${BUILD.version}",bun_version="${BUILD.bun_version}"} 1`,
  ])
})

test('a worker that does not tell its starts has no respawns', () => {
  const page = pageOf(reading('u', JSON.stringify({ workers: [{ id: 1, requests: 1 }] })))
  expect(page).toContain('prefork_worker_requests_total')
  expect(page).not.toContain('prefork_worker_respawns_total')
})
