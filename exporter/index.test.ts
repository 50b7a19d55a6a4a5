/** The exporter as a process: flags, log lines, exit codes and responses. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { TestProcess } from '@bun-monitoring/prefork/testing'

const dogs = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  reusePort: true,
  fetch: () => Response.json({ name: 'dogs', workers: [{ id: 1, pid: 5, state: 'busy', requests: 7 }] }),
})
const DOGS = `${dogs.url}stats`
afterAll(() => dogs.stop(true))

const STOP_WITHIN_MS = 5000
setDefaultTimeout(120_000)
const start = (...flags: string[]) => new TestProcess([`${import.meta.dir}/index.ts`, ...flags])
const startOnFreePort = (...flags: string[]) => start('--web.listen-address=127.0.0.1:0', ...flags)

test('it logs its address, responds to scrapes, and exits with 0 on SIGTERM', async () => {
  await using exporter = startOnFreePort(`--stats.uri=${DOGS},http://127.0.0.1:1/stats`)
  const { url } = await exporter.ready()
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)

  const response = await fetch(`${url}/metrics`, { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': '5' } })
  expect(response.status).toBe(200)
  expect(response.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const page = await response.text()
  expect(page).toContain(`prefork_worker_requests_total{app="dogs",target="${DOGS}",worker="1"} 7\n`)
  expect(page).toContain(`exporter_target_up{target="${DOGS}"} 1\n`)
  expect(page).toContain('exporter_target_up{target="http://127.0.0.1:1/stats"} 0\n')
  expect(await exporter.line('target is down')).toMatchObject({ target: 'http://127.0.0.1:1/stats' })

  exporter.signal('SIGTERM')
  expect(await exporter.exit()).toBe(0)
  expect(await exporter.stderr).toBe('')
})

test('it logs the addresses that it listens on, of each --web.listen-address', async () => {
  await using exporter = start(
    '--web.listen-address=127.0.0.1:0',
    '--web.listen-address=[::1]:0',
    '--web.listen-address=0.0.0.0:0',
    '--web.listen-address=localhost:0',
    `--stats.uri=${DOGS}`,
    // Programs that start it wait for the line at any level.
    '--log.level=error',
  )
  const { url, urls } = (await exporter.line('ready')) as unknown as { url: string; urls: string[] }
  expect(urls.map((each) => each.replace(/\d+$/, 'N'))).toEqual([
    'http://127.0.0.1:N',
    'http://[::1]:N',
    'http://0.0.0.0:N',
    // What localhost is first, /etc/hosts says.
    expect.stringMatching(/^http:\/\/(127\.0\.0\.1|\[::1\]):N$/),
  ])
  expect(url).toBe(urls[0]!)
  for (const each of urls) expect((await fetch(`${each}/-/ready`)).status).toBe(200)
})

test('without a host it listens on every interface, and says so', async () => {
  await using exporter = start('--web.listen-address=:0', `--stats.uri=${DOGS}`)
  const { url } = await exporter.ready()
  expect(url).toMatch(/^http:\/\/(\[::\]|0\.0\.0\.0):\d+$/)
  expect((await fetch(`http://127.0.0.1:${new URL(url).port}/-/ready`)).status).toBe(200)
})

describe('a scrape that still waits for a target ends', () => {
  test.each([
    ['within seconds on a signal', 1],
    ['at once on a second', 2],
  ])('%s', async (_, signals) => {
    const asked = Promise.withResolvers<void>()
    await using silent = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      idleTimeout: 0,
      fetch: () => {
        asked.resolve()
        return new Promise<Response>(() => {})
      },
    })
    // The live page reads nothing, so that the request which waits is that of the scrape.
    await using exporter = startOnFreePort(`--stats.uri=${silent.url}stats`, '--history=0')
    const { url } = await exporter.ready()
    const headers = { 'X-Prometheus-Scrape-Timeout-Seconds': '120' }
    const scrape = fetch(`${url}/metrics`, { headers }).catch(() => 'cut off')
    await asked.promise
    const startedMs = performance.now()
    exporter.signal('SIGINT')
    await exporter.line('stopping')
    if (signals === 2) exporter.signal('SIGTERM')
    expect(await exporter.exit()).toBe(0)
    expect(performance.now() - startedMs < STOP_WITHIN_MS).toBe(signals === 2)
    expect(await scrape).toBe('cut off')
  })
})

describe('it serves', () => {
  test('GET and HEAD of its pages, 405 for other methods, 404 for other paths', async () => {
    await using exporter = startOnFreePort(`--stats.uri=${DOGS}`, '--web.telemetry-path=/m')
    const { url } = await exporter.ready()
    const statusOf = async (method: string, path: string) => (await fetch(`${url}${path}`, { method })).status
    const pages = [
      '/',
      '/page/style.css',
      '/page/uplot.js',
      '/favicon.ico',
      '/live.json',
      '/m',
      '/workers.json',
    ]
    for (const path of pages.concat('/-/healthy', '/-/ready')) {
      expect([path, await statusOf('GET', path)]).toEqual([path, 200])
      expect([path, await statusOf('HEAD', path)]).toEqual([path, 200])
      expect([path, await statusOf('POST', path)]).toEqual([path, 405])
    }
    expect((await fetch(`${url}/m`, { method: 'DELETE' })).headers.get('Allow')).toBe('GET, HEAD')
    for (const path of ['/metrics', '/m/', '/page.html'])
      expect([path, await statusOf('GET', path)]).toEqual([path, 404])
  })

  test('the live page, which may not load from other servers, with a link to the path of the metrics', async () => {
    await using exporter = startOnFreePort(`--stats.uri=${DOGS}`, '--web.telemetry-path=/m')
    const { url } = await exporter.ready()
    const response = await fetch(url)
    expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
    expect(response.headers.get('Content-Security-Policy')).toContain("connect-src 'self'")
    expect(response.headers.get('Content-Security-Policy')).not.toContain('unsafe')
    expect(await response.text()).toContain('<a href="./m">')
  })

  test("the live page's data: each target's workers, or its problem", async () => {
    await using exporter = startOnFreePort(`--stats.uri=${DOGS},http://127.0.0.1:1/stats`)
    const { url } = await exporter.ready()
    const readings = await (await fetch(`${url}/workers.json`)).json()
    expect(readings).toEqual([
      {
        target: DOGS,
        durationSeconds: expect.any(Number),
        stats: { name: 'dogs', workers: [{ id: 1, pid: 5, requests: 7, state: 'busy', exits: {} }] },
      },
      {
        target: 'http://127.0.0.1:1/stats',
        durationSeconds: expect.any(Number),
        problem: 'nothing listens there (ECONNREFUSED)',
      },
    ])
  })
})

test('OpenMetrics and gzip only if the scraper accepts them', async () => {
  await using exporter = startOnFreePort(`--stats.uri=${DOGS}`)
  const { url } = await exporter.ready()
  const get = (headers: Record<string, string>) => fetch(`${url}/metrics`, { headers })
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
  const response = await get({ Accept: accept, 'Accept-Encoding': 'gzip' })
  expect(response.headers.get('Content-Type')).toStartWith('application/openmetrics-text; version=1.0.0')
  expect(response.headers.get('Content-Encoding')).toBe('gzip')
  const page = await response.text()
  expect(page).toContain('# TYPE prefork_worker_requests counter\n')
  expect(page).toEndWith('# EOF\n')
  expect((await get({ 'Accept-Encoding': 'identity' })).headers.get('Content-Encoding')).toBeNull()
})

test('with --web.external-url, its pages have its path as prefix or none', async () => {
  await using exporter = startOnFreePort(
    `--stats.uri=${DOGS}`,
    '--web.external-url=https://example.org/tools/',
  )
  const { url } = await exporter.ready()
  const get = (path: string) => fetch(`${url}${path}`, { redirect: 'manual' })
  for (const path of ['/', '/metrics', '/tools/', '/tools/metrics', '/tools/page/main.js'])
    expect([path, (await get(path)).status]).toEqual([path, 200])
  for (const path of ['/toolsmetrics', '/tools/tools/', '/other/'])
    expect([path, (await get(path)).status]).toEqual([path, 404])
  const redirect = await get('/tools')
  expect([redirect.status, redirect.headers.get('Location')]).toEqual([308, '/tools/'])
})

test('the data of the live page is compressed if the client accepts it, and has no history with --history=0', async () => {
  await using exporter = startOnFreePort(`--stats.uri=${DOGS}`, '--history=0', '--history.step=60s')
  const { url } = await exporter.ready()
  const plain = await fetch(`${url}/live.json?after=0`, { headers: { 'Accept-Encoding': 'identity' } })
  expect(plain.headers.get('Content-Encoding')).toBeNull()
  expect(await plain.json()).toMatchObject({ historyMs: 0, targets: [{ app: 'dogs' }], problems: [] })
  const packed = await fetch(`${url}/live.json?after=0`)
  expect(packed.headers.get('Content-Encoding')).toBe('gzip')
})

test('another JSON page than a stats document is a failing target', async () => {
  await using app = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => Response.json({ status: 'ok' }),
  })
  await using exporter = startOnFreePort(`--stats.uri=${app.url}healthz`)
  const { url } = await exporter.ready()
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(
    `exporter_target_up{target="${app.url}healthz"} 0\n`,
  )
  const reason = 'the response is JSON but not a stats document: it has no workers'
  expect(await exporter.line('target is down')).toMatchObject({ reason })
  expect(await (await fetch(`${url}/workers.json`)).json()).toMatchObject([{ problem: reason }])
})

test('the namespace uwsgi is always text, and counts its scrapes', async () => {
  await using exporter = startOnFreePort(`--stats.uri=${DOGS}`, '--metrics.namespace=uwsgi')
  const { url } = await exporter.ready()
  const headers = { Accept: 'application/openmetrics-text;version=1.0.0' }
  const get = async () => (await fetch(`${url}/metrics`, { headers })).text()
  await get()
  const page = await get()
  expect(page).toContain(`uwsgi_worker_requests_total{stats_uri="${DOGS}",worker_id="1"} 7\n`)
  expect(page).toContain('uwsgi_exporter_scrapes_total 2\n')
  expect(page).not.toContain('# EOF')
})

test.each([
  ['a scrape', () => '/metrics'],
  ['a probe', (target: string) => `/probe?target=${encodeURIComponent(target)}`],
])('%s that its scraper aborts is no failure of the target', async (_, pathOf) => {
  const asked = Promise.withResolvers<void>()
  const isGivenUp = Promise.withResolvers<void>()
  await using slow = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch({ signal }) {
      if (isResponding) return Response.json({ name: 'dogs' })
      signal.addEventListener('abort', () => isGivenUp.resolve())
      asked.resolve()
      return new Promise<Response>(() => {})
    },
  })
  let isResponding = false
  await using exporter = startOnFreePort(
    `--stats.uri=${slow.url}stats`,
    '--metrics.namespace=uwsgi',
    '--history=0',
  )
  const { url } = await exporter.ready()
  const scraper = new AbortController()
  const path = pathOf(`${slow.url}stats`)
  const scrape = fetch(`${url}${path}`, { signal: scraper.signal }).catch(() => 'gone')
  await asked.promise
  scraper.abort()
  expect(await scrape).toBe('gone')
  await isGivenUp.promise
  isResponding = true
  const page = await (await fetch(`${url}/metrics`)).text()
  expect(page).toContain('uwsgi_exporter_scrapes_total 1\n')
  expect(page).toContain('uwsgi_exporter_scrape_errors_total 0\n')
  expect(exporter.lines('target is')).toEqual([])
})

test('concurrent probes do not affect each other', async () => {
  await using exporter = startOnFreePort(
    `--stats.uri=${DOGS}`,
    '--metrics.namespace=uwsgi',
    '--probe.allow=127.0.0.1',
  )
  const { url } = await exporter.ready()
  const probe = (target: string) => fetch(`${url}/probe?target=${encodeURIComponent(target)}`)
  const upOf = async (target: string) => /^uwsgi_up \d$/m.exec(await (await probe(target)).text())?.[0]
  const targets = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? DOGS : 'http://127.0.0.1:1/'))
  expect(await Promise.all(targets.map(upOf))).toEqual(
    targets.map((target) => `uwsgi_up ${target === DOGS ? 1 : 0}`),
  )
  expect(await (await probe(DOGS)).text()).not.toContain('uwsgi_exporter_')
  expect((await probe('http://192.0.2.1/')).status).toBe(403)
  expect((await probe('unix:///run/stats.sock')).status).toBe(403)
  expect((await fetch(`${url}/probe`)).status).toBe(400)
})

describe('it does not start', () => {
  test('with flags that are wrong: all of them named, exit code 2', async () => {
    await using exporter = start('--stats.url=x', '--log.level=loud')
    expect(await exporter.exit()).toBe(2)
    expect(await exporter.stderr).toBe(
      'exporter: the command line is wrong\n' +
        '  --stats.url is not a flag: did you mean --stats.uri?\n' +
        '  --log.level=loud is not allowed: must be one of debug, info, warn, error\n',
    )
  })

  test('on a taken port: one line with the port and the flag, exit code 3', async () => {
    await using exporter = start(`--web.listen-address=127.0.0.1:${dogs.port}`)
    expect(await exporter.exit()).toBe(3)
    expect(await exporter.stderr).toBe(
      `exporter: port ${dogs.port} is taken: stop what listens on it or give another with --web.listen-address\n`,
    )
  })
})
