/** The live page in a real browser; the test changes the documents of the targets. */
import { afterAll, describe, expect, test } from 'bun:test'
import { isExpected, TestProcess } from '@bun-monitoring/prefork/testing'

const chromium = Bun.which('chromium') ?? Bun.which('google-chrome')
const isChromiumExpected = isExpected(
  chromium !== null,
  'chromium is not on PATH, so the live page is not tested',
)

interface Worker extends Record<string, unknown> {
  requests: number
  running_time: number
  respawn_count: number
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
const clusters = ['gateway', 'dogs', 'cats'].map((name) => ({
  name,
  sockets: [{ name: ':1', proto: 'http', queue: 3, max_queue: 512 }],
  workers: [worker(1), worker(2)],
  reloads: 0,
}))
const [, dogs, cats] = clusters as [unknown, (typeof clusters)[0], (typeof clusters)[0]]

const stats = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: ({ url }) => {
    // At each read, a worker has completed more requests, of 2 ms each.
    for (const each of clusters.flatMap(({ workers }) => workers)) {
      each.requests += 100
      each.running_time += 200_000
    }
    return Response.json(clusters.find(({ name }) => url.endsWith(name)))
  },
})
afterAll(() => stats.stop(true))

const start = (address = '127.0.0.1:0') =>
  new TestProcess([
    `${import.meta.dir}/../index.ts`,
    `--web.listen-address=${address}`,
    ...clusters.map(({ name }) => `--stats.uri=${stats.url.origin}/${name}`),
  ])

/** A page, and functions that wait for its content. */
class Browser implements AsyncDisposable {
  readonly #view: Bun.WebView
  readonly complaints: string[] = []

  constructor() {
    this.#view = new Bun.WebView({
      width: 1280,
      height: 900,
      backend: {
        type: 'chrome',
        url: false,
        path: chromium!,
        argv: ['--no-sandbox', '--disable-dev-shm-usage'],
      },
      console: (kind, ...words) => void (kind === 'error' && this.complaints.push(words.join(' '))),
    })
  }

  open = (url: string): Promise<void> => this.#view.navigate(url)
  evaluate = <T>(script: string): Promise<T> => this.#view.evaluate<T>(script)
  text = (): Promise<string> => this.evaluate('document.body.innerText')
  cdp = (method: string, params: Record<string, unknown>) => this.#view.cdp(method, params)
  press = (key: 'Tab' | 'Enter' | 'Space') => this.#view.press(key)

  /** Waits for a condition, which is checked at each frame. */
  async until(script: string): Promise<void> {
    await this.evaluate(
      `new Promise((resolve) => { const look = () => (${script}) ? resolve(true) : requestAnimationFrame(look); look() })`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#view.close()
    Bun.WebView.closeAll()
  }
}

const says = (text: string) => `document.body.innerText.includes(${JSON.stringify(text)})`

describe.skipIf(!isChromiumExpected)('the live page', () => {
  test('shows all apps, updates, lists restarts, and recovers when its exporter restarts', async () => {
    await using exporter = start()
    const { url } = await exporter.ready()
    await using browser = new Browser()
    await browser.open(url)

    await browser.until(says('3 of 3 targets up'))
    const text = await browser.text()
    for (const { name } of clusters) expect(text).toContain(name)
    expect(text).toContain('3 of 512')
    expect(text).toContain('2 workers, 2 running')
    expect(text).toContain('4.5 ms')

    // Figures need two reads; then the curves move, and unchanged texts are not set again.
    await browser.until(says('2 ms'))
    await browser.evaluate(
      '(globalThis.touched = 0, new MutationObserver(() => touched++).observe(document.querySelector("tbody [data-text=rss]"), { childList: true }))',
    )
    const curve = 'document.querySelector("[data-curve=rate] .curve").getAttribute("d")'
    const before = await browser.evaluate<string>(curve)
    await browser.until(`${curve} !== ${JSON.stringify(before)}`)
    expect(await browser.evaluate<number>('touched')).toBe(0)

    Object.assign(cats.workers[1]!, { respawn_count: 2, exits: { crash: 1 } })
    cats.workers[0]!.state = 'hung'
    await browser.until(says('cats worker 2 restarted: crash 1'))
    await browser.until(says('1 worker hung'))
    await browser.until(says('1 (crash 1)'))
    dogs.reloads = 1
    await browser.until(says('dogs was reloaded'))

    const address = new URL(url).host
    exporter.signal('SIGKILL')
    await browser.until(says('the exporter does not respond, trying again'))
    expect(await browser.text()).toContain('2 workers, 2 running')
    await using another = start(address)
    await another.ready()
    await browser.until(says('3 of 3 targets up'))
  }, 60_000)

  test('loads from no other server, fits a phone, can be read aloud and used by keyboard, in light and dark', async () => {
    await using exporter = start()
    const { url } = await exporter.ready()
    await using browser = new Browser()
    await browser.open(url)
    await browser.until(says('3 of 3 targets up'))

    const hosts = 'performance.getEntriesByType("resource").map((each) => new URL(each.name).host)'
    expect(new Set(await browser.evaluate<string[]>(hosts))).toEqual(new Set([new URL(url).host]))

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
    await browser.until('innerWidth === 390')
    expect(await browser.evaluate('document.documentElement.scrollWidth')).toBe(390)

    expect(await browser.evaluate('document.querySelector("#status").role')).toBe('status')
    expect(await browser.evaluate('document.querySelector("#events").ariaLive')).toBe('polite')
    expect(await browser.evaluate('document.querySelector(".scroll").ariaLabel')).toBe('Workers of gateway')
    expect(await browser.evaluate('document.documentElement.lang')).toBe('en')

    await browser.press('Tab')
    expect(await browser.evaluate('document.activeElement.id')).toBe('pause')
    await browser.press('Enter')
    await browser.until('document.querySelector("#pause").ariaPressed === "true"')
    expect(browser.complaints).toEqual([])
  }, 60_000)
})
