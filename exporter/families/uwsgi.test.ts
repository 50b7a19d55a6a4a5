/** The page of the namespace `uwsgi`, compared with testdata/uwsgi-exporter.txt, which the Go program wrote. */
import { describe, expect, test } from 'bun:test'
import { renderText } from '@bun-monitoring/metrics'
import { parseStats } from '../stats/parse.ts'
import type { Reading } from '../stats/scrape.ts'
import { uwsgiFamilies } from './uwsgi.ts'
import { ScrapeCounts } from './uwsgi_exporter.ts'

const testdata = (name: string) => Bun.file(`${import.meta.dir}/../testdata/${name}`).text()
const reading = (text: string, target = 'http://127.0.0.1:1717', withCores = true): Reading => ({
  target,
  durationSeconds: 0.5,
  ...parseStats(text, { withCores, acceptsAnyObject: true }),
})
const pageOf = (...documents: unknown[]) =>
  renderText(uwsgiFamilies(documents.map((each, i) => reading(JSON.stringify(each), `u${i}`))))

/** Types and samples of a page, independent of the order of families and labels. */
function read(page: string): { types: Map<string, string>; values: Map<string, number> } {
  const lines = page.trim().split('\n')
  const types = lines.map((line) => /^# TYPE (\S+) (\S+)$/.exec(line)).filter((match) => match !== null)
  const values = lines
    .map((line) => /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name, labels = '', value]): [string, number] => {
      const sorted = (labels.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? []).toSorted().join()
      return [`${name}{${sorted}}`, Number(value)]
    })
  expect(new Set(values.map(([key]) => key)).size).toBe(values.length)
  return { types: new Map(types.map(([, name, type]) => [name!, type!])), values: new Map(values) }
}

test('a real document gives the names, types, labels and values of the Go program', async () => {
  const readings = [reading(await testdata('uwsgi-stats.json'))]
  const counts = new ScrapeCounts()
  counts.add(readings, 0.5)
  const ours = read(renderText([...uwsgiFamilies(readings), ...counts.families()]))
  const theirs = read(await testdata('uwsgi-exporter.txt'))
  expect(ours.types).toEqual(theirs.types)

  // Each program has its own duration and version.
  for (const { values } of [ours, theirs])
    for (const key of values.keys()) if (/build_info|duration/.test(key)) values.delete(key)
  expect(theirs.values.size).toBe(70)
  expect(ours.values).toEqual(theirs.values)
})

describe('the samples are those of the Go program, as its rules give them', () => {
  const folder = 'uwsgi_exporter'
  const pages = [...new Bun.Glob('*.txt').scanSync(`${import.meta.dir}/../testdata/${folder}`)]

  test.each(pages.toSorted())('%s', async (name) => {
    const withCores = name.endsWith('.cores.txt')
    const text = await testdata(`${folder}/${name.replace(/(\.cores)?\.txt$/, '.json')}`)
    const ours = read(renderText(uwsgiFamilies([reading(text, 'http://127.0.0.1:1717', withCores)])))
    const theirs = read(await testdata(`${folder}/${name}`))
    expect(ours.types).toEqual(theirs.types)
    expect(ours.values).toEqual(theirs.values)
  })

  test('every document has a page', () => {
    const documents = [...new Bun.Glob('*.json').scanSync(`${import.meta.dir}/../testdata/${folder}`)]
    expect(documents.length).toBeGreaterThan(5)
    expect(documents.filter((name) => !pages.includes(name.replace('.json', '.txt')))).toEqual([])
  })
})

test('where the page of the Go program would repeat a series, the first one counts', () => {
  const page = pageOf({
    workers: [
      {
        id: 1,
        requests: 1,
        apps: [
          { id: 0, requests: 2 },
          { id: 0, requests: 3 },
        ],
        cores: [
          { id: 0, requests: 4 },
          { id: 0, requests: 5 },
        ],
      },
      { id: 1, requests: 6, apps: [{ id: 0, requests: 7 }] },
    ],
    caches: [
      { name: 'c', hits: 9 },
      { name: 'c', hits: 10 },
    ],
  })
  const lines = page.match(/^uwsgi_(worker|worker_app|worker_core)_requests_total.*|^uwsgi_cache_hits.*/gm)
  expect(lines).toEqual([
    'uwsgi_worker_requests_total{stats_uri="u0",worker_id="1"} 1',
    'uwsgi_worker_app_requests_total{app_id="0",chdir="",mountpoint="",stats_uri="u0",worker_id="1"} 2',
    'uwsgi_worker_core_requests_total{core_id="0",stats_uri="u0",worker_id="1"} 4',
    'uwsgi_cache_hits{name="c",stats_uri="u0"} 9',
  ])
})

test('uwsgi_up has no labels: it is 1 only if every target has stats', () => {
  const up = reading('{}')
  const down: Reading = { target: 'u', durationSeconds: 0, problem: 'gone' }
  for (const [readings, value] of [
    [[up], 1],
    [[up, down], 0],
    [[down], 0],
  ] as const)
    expect(renderText(uwsgiFamilies(readings))).toContain(`\nuwsgi_up ${value}\n`)
})

test('statuses that are none of busy, idle and cheap leave all three 0; so does a missing one', () => {
  const page = pageOf({
    workers: [
      { id: 1, status: 'pause' },
      { id: 2, status: 'sig9' },
      { id: 3, status: 'cheap', pid: 0 },
      { id: 4 },
    ],
  })
  const one = (name: string, id: number) =>
    /\d$/.exec(
      page.split('\n').find((l) => l.startsWith(`uwsgi_worker_${name}{`) && l.includes(`"${id}"`)) ?? '',
    )?.[0]
  const statusOf = (id: number) => ['busy', 'idle', 'cheap'].map((name) => one(name, id))
  expect([1, 2, 3, 4].map(statusOf)).toEqual([
    ['0', '0', '0'],
    ['0', '0', '0'],
    ['0', '0', '1'],
    ['0', '0', '0'],
  ])
})

test('of sockets with the same name and protocol, the first counts', () => {
  const socket = (proto: string, queue: number) => ({ name: ':1', proto, queue })
  const page = pageOf({ sockets: [socket('http', 1), socket('uwsgi', 2), socket('http', 3)] })
  expect(page.match(/^uwsgi_socket_queue_length.*$/gm)).toEqual([
    'uwsgi_socket_queue_length{name=":1",proto="http",stats_uri="u0"} 1',
    'uwsgi_socket_queue_length{name=":1",proto="uwsgi",stats_uri="u0"} 2',
  ])
})

test('caches have a name; hits, misses and full are counters without _total', () => {
  const page = pageOf({ caches: [{ name: 'c', items: 1, max_items: 2, hits: 3, miss: 4, full: 5 }] })
  for (const [name, value] of Object.entries({ items: 1, max_items: 2, hits: 3, misses: 4, full: 5 }))
    expect(page).toContain(`uwsgi_cache_${name}{name="c",stats_uri="u0"} ${value}\n`)
  expect(page).toContain('# TYPE uwsgi_cache_misses counter\n')
})

test('several targets differ in stats_uri only, and cores are counted', () => {
  const page = pageOf(
    { workers: [{ id: 1, cores: [{ id: 0 }, { id: 1 }] }] },
    { workers: [{ id: 1, cores: [] }] },
  )
  expect(page).toContain('uwsgi_worker_cores{stats_uri="u0",worker_id="1"} 2\n')
  expect(page).toContain('uwsgi_worker_cores{stats_uri="u1",worker_id="1"} 0\n')
})

test('before the first scrape nothing has failed', () => {
  const { values } = read(renderText(new ScrapeCounts().families()))
  expect(Object.fromEntries(values)).toMatchObject({
    'uwsgi_exporter_scrapes_total{}': 0,
    'uwsgi_exporter_last_scrape_error{}': 0,
  })
  expect([...values].find(([key]) => key.includes('build_info'))?.[1]).toBe(1)
})

test('a scrape fails if one of its targets does, and the next one may be good', () => {
  const counts = new ScrapeCounts()
  const valueOf = (name: string) => read(renderText(counts.families())).values.get(`uwsgi_exporter_${name}{}`)
  counts.add([reading('{}'), reading('no JSON')], 1)
  expect([valueOf('scrape_errors_total'), valueOf('last_scrape_error')]).toEqual([1, 1])
  counts.add([reading('{}'), reading('{}')], 2)
  expect([valueOf('scrape_errors_total'), valueOf('last_scrape_error')]).toEqual([1, 0])
})

test('a scrape in which a target fails is an error, and its duration does not count', () => {
  const counts = new ScrapeCounts()
  counts.add([reading('{}')], 0.5)
  counts.add([reading('{}')], 0.25)
  counts.add([reading('no JSON')], 7)
  const { values } = read(renderText(counts.families()))
  expect(Object.fromEntries(values)).toMatchObject({
    'uwsgi_exporter_scrapes_total{}': 3,
    'uwsgi_exporter_scrape_errors_total{}': 1,
    'uwsgi_exporter_last_scrape_error{}': 1,
    'uwsgi_exporter_scrape_duration_seconds_sum{}': 0.75,
    'uwsgi_exporter_scrape_duration_seconds_count{}': 2,
  })
})
