/** The live page in a real browser; the test changes the documents and metrics of the targets. */
import { afterAll, describe, expect, test } from 'bun:test'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { Browser, isChromiumExpected } from '@bun-monitoring/prefork/testing_browser'

const hasChromium = isChromiumExpected('the live page is')

const DURATION = 'http_server_request_duration_seconds'
const PAGE_BYTES = 100 * 1024

interface Worker extends Record<string, unknown> {
  requests: number
  exits: Record<string, number>
  state: string
}

const worker = (id: number): Worker => ({
  id,
  pid: 100 + id,
  requests: 1000,
  running_time: 1e6,
  respawn_count: 1,
  rss: 90 * 2 ** 20,
  cpu_us: 0,
  in_flight: 2,
  oldest_request_us: 4500,
  eventloop_lag_us: 300,
  state: 'busy',
  exits: {},
})

/** An app with a stats document and metrics; at each read it has completed 100 more requests of 2 ms. */
class App {
  readonly document
  status = 200
  metrics = ''
  readonly #counts = new Map<number, number>()
  readonly #server

  constructor(name: string, workers = 2) {
    this.document = {
      name,
      sockets: [{ name: ':1', proto: 'http', queue: 3, max_queue: 512 }],
      workers: Array.from({ length: workers }, (_, i) => worker(i + 1)),
      reloads: 0,
    }
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: ({ url }) =>
        url.endsWith('/metrics') ? new Response(this.#page()) : Response.json(this.document),
    })
  }

  get flag(): string {
    return `--stats.uri=${this.#server.url.origin}/stats`
  }

  stop = () => this.#server.stop(true)

  #page(): string {
    this.#counts.set(this.status, (this.#counts.get(this.status) ?? 0) + 100)
    const lines = Array.from(this.#counts, ([status, count]) => {
      const labels = `http_route="/${this.document.name}/",http_response_status_code="${status}"`
      const buckets = { 0.001: 0, 0.003: count, '+Inf': count }
      return [
        ...Object.entries(buckets).map(([le, n]) => `${DURATION}_bucket{le="${le}",${labels}} ${n}`),
        `${DURATION}_count{${labels}} ${count}`,
      ]
    })
    return `${lines.flat().join('\n')}\n${this.metrics}`
  }
}

const apps = ['gateway', 'dogs', 'cats'].map((name) => new App(name))
const [gateway, dogs, cats] = apps as [App, App, App]
gateway.metrics = ['dogs', 'cats']
  .map(
    (name) =>
      `gateway_upstream_targets{upstream="${name}",state="healthy"} 2\n` +
      `gateway_upstream_targets{upstream="${name}",state="ejected"} ${name === 'cats' ? 1 : 0}\n` +
      `gateway_upstream_request_duration_seconds_count{upstream="${name}",http_response_status_code="200"} 5\n` +
      `gateway_route_info{http_route="/gateway/",host="pets.example",path="/all",upstream="dogs"} 1\n`,
  )
  .join('')
afterAll(() => Promise.all(apps.map((app) => app.stop())))

const start = (some = apps, ...flags: string[]) =>
  new TestProcess([
    `${import.meta.dir}/../index.ts`,
    '--web.listen-address=127.0.0.1:0',
    '--history.step=200ms',
    '--web.link=Prometheus=http://127.0.0.1:1/',
    ...some.map((app) => app.flag),
    ...flags,
  ])

const says = (text: string) => `document.body.innerText.includes(${JSON.stringify(text)})`
const cell = (row: string, column: number) =>
  `[...document.querySelectorAll('.scroll tbody tr')].find((row) => row.children[0].innerText === ${JSON.stringify(row)})?.children[${column}].innerText`

describe.skipIf(!hasChromium)('the live page', () => {
  test('says what is wrong, shows requests, errors, latencies, routes and workers, and outlives its exporter', async () => {
    await using exporter = start()
    const { url } = await exporter.ready()
    await using browser = new Browser()
    await browser.open(url)

    await browser.until(says('3 of 3 targets up'))
    await browser.until(`${cell('/dogs/', 4)} === '2 ms'`)
    expect(await browser.evaluate<string>(cell('/dogs/', 2))).toBe('0')
    expect(await browser.evaluate<string>(cell('dogs', 10))).toBe('3 of 512')
    expect(await browser.text()).toContain('2 workers, 2 running')
    // The route of the gateway leads to the upstream that it names, in spite of its name.
    await browser.until(`${cell('/gateway/ pets.example/all', 1)} === 'dogs'`)
    expect(await browser.evaluate<string>(cell('/gateway/ pets.example/all', 2))).toBe('2 of 2')
    expect(await browser.evaluate<string>(cell('(no route)', 2))).toBe('2 of 3')
    expect(await browser.text()).toContain('gateway: upstream cats: 1 of 3 targets ejected, since ')

    // An unchanged text is not set again.
    await browser.evaluate(
      '(globalThis.touched = 0, new MutationObserver(() => touched++).observe(document.querySelector("#workers tbody td"), { childList: true, subtree: true, characterData: true }))',
    )
    dogs.status = 500
    await browser.until(
      says('dogs: 100 % of requests fail with 500') + ' || ' + says('% of requests fail with 500'),
    )
    await browser.until(
      `/^dogs: \\d+ % of requests fail with 500, since \\d\\d:\\d\\d:\\d\\d/.test(document.querySelector('#problems').innerText)`,
    )
    expect(
      await browser.evaluate<string>(`getComputedStyle(document.querySelector('#problems')).color`),
    ).toBe('rgb(179, 32, 44)')
    await browser.until(`${cell('/dogs/', 2)} !== '0'`)
    expect(await browser.evaluate<number>('touched')).toBe(0)
    dogs.status = 200

    Object.assign(cats.document.workers[1]!, { respawn_count: 2, exits: { crash: 1 } })
    cats.document.workers[0]!.state = 'hung'
    await browser.until(says('cats worker 2 restarted: crash'))
    await browser.until(says('cats: worker 1 is hung'))
    await browser.until(says('1 (crash 1)'))
    dogs.document.reloads = 1
    await browser.until(says('dogs was reloaded'))

    const address = new URL(url).host
    exporter.signal('SIGKILL')
    await browser.until(says('the exporter does not respond, trying again'))
    expect(await browser.text()).toContain('2 workers, 2 running')
    await using another = start(apps, `--web.listen-address=${address}`)
    await another.ready()
    await browser.until(says('3 of 3 targets up'))
  }, 300_000)

  test('has the curves of the time before it was opened', async () => {
    await using exporter = start()
    const { url } = await exporter.ready()
    const pointsOf = async () => {
      const document = (await (await fetch(`${url}/live.json?after=0`)).json()) as {
        curves: { times: number[] }
      }
      return document.curves.times.length
    }
    for (let points = 0; points < 10;) points = await pointsOf()
    await using browser = new Browser()
    await browser.open(url)
    await browser.until(says('3 of 3 targets up'))
    await browser.until('document.querySelectorAll(".u-legend .u-value").length >= 16')
    const legend =
      '[...document.querySelectorAll("[data-chart=requests] .u-series")].map((row) => row.innerText)'
    await browser.until(`${legend}.length === 4 && ${legend}.every((text) => /\\d/.test(text))`)
    const drawn = await browser.evaluate<number>(
      `(() => { const canvas = document.querySelector('[data-chart=requests] canvas'); const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); return new Set(new Uint32Array(data.buffer)).size })()`,
    )
    expect(drawn).toBeGreaterThan(3)
  }, 300_000)

  test('loads from its exporter only, fits a phone, can be read aloud and used by keyboard, in light and dark', async () => {
    await using exporter = start()
    const { url } = await exporter.ready()
    await using browser = new Browser()
    await browser.open(url)
    await browser.until(says('3 of 3 targets up'))

    const resources = await browser.evaluate<
      { name: string; responseStatus: number; encodedBodySize: number }[]
    >(
      'performance.getEntriesByType("resource").map(({ name, responseStatus, encodedBodySize }) => ({ name, responseStatus, encodedBodySize }))',
    )
    expect(new Set(resources.map(({ name }) => new URL(name).host))).toEqual(new Set([new URL(url).host]))
    expect(new Set(resources.map(({ responseStatus }) => responseStatus))).toEqual(new Set([200]))
    const files = resources.filter(({ name }) => !name.includes('live.json'))
    expect(files.length).toBeGreaterThan(5)
    expect(files.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)).toBeLessThan(PAGE_BYTES)

    const backgrounds: string[] = []
    for (const value of ['light', 'dark']) {
      await browser.cdp('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] })
      backgrounds.push(await browser.evaluate('getComputedStyle(document.documentElement).backgroundColor'))
    }
    expect(new Set(backgrounds).size).toBe(2)

    await browser.cdp('Emulation.setDeviceMetricsOverride', {
      width: 390,
      height: 800,
      deviceScaleFactor: 1,
      mobile: true,
    })
    await browser.until('innerWidth === 390 && document.documentElement.scrollWidth === 390')

    expect(await browser.evaluate('document.querySelector("#status").role')).toBe('status')
    expect(await browser.evaluate('document.querySelector("#problems").ariaLive')).toBe('polite')
    expect(await browser.evaluate('document.querySelector("#events").ariaLive')).toBe('polite')
    expect(await browser.evaluate('document.querySelector("#workers .scroll").ariaLabel')).toBe(
      'Workers of gateway',
    )
    expect(await browser.evaluate('document.documentElement.lang')).toBe('en')

    await browser.press('Tab')
    expect(await browser.evaluate('document.activeElement.id')).toBe('pause')
    await browser.press('Enter')
    await browser.until('document.querySelector("#pause").ariaPressed === "true"')
    expect(browser.complaints).toEqual([])
  }, 300_000)

  test('links only to what responds', async () => {
    await using grafana = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => new Response('', { status: 302 }),
    })
    await using exporter = start(apps, `--web.link=Grafana=${grafana.url.href}`)
    const { url } = await exporter.ready()
    await using browser = new Browser()
    await browser.open(url)
    await browser.until(says('Grafana'))
    const links = await browser.evaluate<string[]>('[...document.links].map(({ href }) => href)')
    for (const link of links)
      expect([link, (await fetch(link, { redirect: 'manual' })).status < 400]).toEqual([link, true])
    expect(links).toContain(grafana.url.href)
    expect(links).toContain(`${url}/metrics`)
    expect(await browser.text()).not.toContain('Prometheus')
  }, 300_000)

  test.each([
    ['that removes its path', (path: string) => path.replace('/tools/exporter', '')],
    ['that keeps its path', (path: string) => path],
  ])(
    'works behind a proxy %s',
    async (_, rewrite) => {
      await using exporter = start(apps, '--web.external-url=https://example.org/tools/exporter/')
      const { url } = await exporter.ready()
      await using proxy = Bun.serve({
        hostname: '127.0.0.1',
        port: 0,
        fetch: ({ url: asked }) => {
          const { pathname, search } = new URL(asked)
          return pathname.startsWith('/tools/exporter')
            ? fetch(url + rewrite(pathname) + search, { redirect: 'manual', decompress: false })
            : new Response('', { status: 404 })
        },
      })
      await using browser = new Browser()
      await browser.open(`${proxy.url.origin}/tools/exporter/`)
      await browser.until(says('3 of 3 targets up'))
      const metrics = await browser.evaluate<string>('document.querySelector("nav a").href')
      expect((await fetch(metrics)).status).toBe(200)
      expect(browser.complaints).toEqual([])
    },
    300_000,
  )

  test('shows 150 workers, folded', async () => {
    const many = new App('many', 150)
    await using exporter = start([many])
    const { url } = await exporter.ready()
    await using browser = new Browser()
    await browser.open(url)
    await browser.until(says('150 workers, 150 running'))
    expect(await browser.evaluate('document.querySelectorAll("#workers tbody tr").length')).toBe(150)
    expect(await browser.evaluate('document.querySelector("#workers details").open')).toBe(false)
    await browser.evaluate('document.querySelector("#workers summary").focus()')
    await browser.press('Enter')
    await browser.until('document.querySelector("#workers details").open')
    await many.stop()
  }, 300_000)
})
