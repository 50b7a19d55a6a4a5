/** Draws dashboards from their JSON and a Prometheus with Grafana's own panels, as PNG and as findings about their DOM. */

import { Browser } from './browser.ts'
import { type Finding, inspect, type Tile, tiles } from './inspect.ts'
import type { Task } from './page/query.ts'

const WIDTH = 1440

export type Look = {
  prometheus: string
  fromSeconds: number
  toSeconds: number
  stepSeconds: number
  rateInterval: string
}

export class Painter implements AsyncDisposable {
  /** @param asked the address of the Prometheus of the present dashboard */
  private constructor(
    private readonly browser: Browser,
    private readonly server: Bun.Server<undefined>,
    private readonly asked: { prometheus: string },
  ) {}

  /** @throws when Chromium or the packages of this folder are missing */
  static async start(): Promise<Painter> {
    const files = await bundle()
    const asked = { prometheus: '' }
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      idleTimeout: 0,
      async fetch(request) {
        const { pathname, search } = new URL(request.url)
        // The page asks Prometheus through this server, so that both have one origin.
        if (pathname.startsWith('/api/')) {
          const response = await fetch(`${asked.prometheus}${pathname}${search}`)
          return Response.json(await response.json(), { status: response.status })
        }
        if (pathname === '/') return new Response(PAGE, { headers: { 'Content-Type': 'text/html' } })
        const file = files.get(pathname)
        return new Response(file ?? null, { status: file ? 200 : 404 })
      },
    })
    return new Painter(await Browser.start(), server, asked)
  }

  /** Draws one dashboard. @returns the picture, and what is wrong with it */
  async draw(
    dashboard: Task['dashboard'],
    look: Look,
  ): Promise<{ picture: Buffer; findings: Finding[]; tiles: Tile[] }> {
    const all = Object.fromEntries(
      ['job', 'instance', 'gateway', 'route', 'shape'].map((name) => [`$${name}`, '.+']),
    )
    const variables = { ...all, $__rate_interval: look.rateInterval }
    const { origin } = this.server.url
    this.asked.prometheus = look.prometheus
    const task: Task = { ...look, dashboard, variables, prometheus: origin }
    await this.browser.open(
      `${origin}/`,
      WIDTH,
      `window.task = ${JSON.stringify(task)}; window.left = 1; window.__grafana_public_path__ = '/'`,
    )
    await this.browser.until('window.left <= 0')
    await this.browser.evaluate(
      'document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))))',
    )
    return {
      picture: await this.browser.picture(),
      findings: await this.browser.evaluate(`(${inspect.toString()})()`),
      tiles: await this.browser.evaluate(`(${tiles.toString()})()`),
    }
  }

  /** Exceptions in the pages so far. */
  get errors(): readonly string[] {
    return this.browser.errors
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser[Symbol.asyncDispose]()
    await this.server.stop(true)
  }
}

const PAGE =
  '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/page.css"><div id="root"></div><script type="module" src="/page.js"></script>'

async function bundle(): Promise<Map<string, Blob>> {
  const { outputs } = await Bun.build({
    entrypoints: [`${import.meta.dir}/page/page.tsx`],
    target: 'browser',
    define: { 'process.env.NODE_ENV': '"production"' },
    publicPath: '/',
    throw: true,
  })
  return new Map(outputs.map((output) => [`/${output.path.replace(/^\.\//, '')}`, output]))
}
