/**
 * What the exporter answers over HTTP. Each page of the metrics, and of the live page's data, is a scrape of its own:
 * nothing of one is kept for the next.
 */
import { page } from '@bun-monitoring/metrics'
import { Budget } from './budget.ts'
import type { Config } from './config.ts'
import { within } from './deadline.ts'
import { Health } from './health.ts'
import { type Handler, Listener } from './listener.ts'
import type { Logger } from './log.ts'
import { preforkFamilies, preforkPage } from './prefork_families.ts'
import { probeOf } from './probe.ts'
import { logChanges, scrape, timeoutMs } from './scrape.ts'
import type { Target } from './target.ts'
import { uwsgiFamilies } from './uwsgi_families.ts'

/** The live page runs its own script and style and talks to this process alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/**
 * Starts the server.
 * @throws what `Listener` throws.
 */
export async function serve(config: Config, log: Logger): Promise<Listener> {
  const { targets, allowed, timeoutOffsetMs, telemetryPath, collectCores } = config
  const livePage = (await Bun.file(`${import.meta.dir}/page.html`).text()).replaceAll(
    '/metrics',
    telemetryPath,
  )
  const isUwsgi = config.namespace === 'uwsgi'
  const budget = new Budget(config.maxBytes)
  const health = new Health()
  const note = logChanges(log)

  /** Within what the scraper leaves of its patience, and for as long as it stays. */
  const inTime = <T>({ headers, signal }: Request, act: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    within(timeoutMs(headers.get('X-Prometheus-Scrape-Timeout-Seconds'), timeoutOffsetMs), signal, act)
  // Of a core, its `vars` are of no use to anybody, and are most of its bytes.
  const read = (which: readonly Target[], signal: AbortSignal, leaveOut = collectCores ? 'vars' : 'cores') =>
    // uwsgi_exporter's label is what it was given.
    scrape(which, { signal, budget, leaveOut, keepsName: isUwsgi })

  // A scraper that hung up has ended the reading; that tells nothing of the targets.
  const metrics: Handler = async (request) => {
    const startedMs = performance.now()
    const readings = await inTime(request, (signal) => read(targets, signal))
    if (!request.signal.aborted) {
      note(readings)
      health.add(readings, (performance.now() - startedMs) / 1000)
    }
    return isUwsgi
      ? page([...uwsgiFamilies(readings), ...health.families()], textOnly(request))
      : page(preforkPage(readings), request)
  }

  const probe: Handler = (request) =>
    inTime(request, async (signal) => {
      const uri = new URL(request.url).searchParams.get('target')
      const probed = await probeOf(uri, targets, allowed, signal)
      if ('reason' in probed) return new Response(`${probed.reason}\n`, { status: probed.status })
      const readings = await read(probed.targets, signal)
      if (!request.signal.aborted) note(readings)
      return isUwsgi
        ? page(uwsgiFamilies(readings), textOnly(request))
        : page(preforkFamilies(readings), request)
    })

  const workers: Handler = async (request) =>
    respond(
      JSON.stringify(await inTime(request, (signal) => read(targets, signal, 'cores'))),
      'application/json',
    )

  const routes: Record<string, Handler> = {
    '/': () => respond(livePage, 'text/html; charset=utf-8', { 'Content-Security-Policy': PAGE_POLICY }),
    '/workers.json': workers,
    '/probe': probe,
    '/-/healthy': () => respond('healthy\n', 'text/plain'),
    '/-/ready': () => respond('ready\n', 'text/plain'),
    [telemetryPath]: metrics,
  }
  return new Listener(config.listen, config.webConfigFile, (request) => dispatch(routes, request), log)
}

/** HEAD is GET here: Bun leaves the body out. */
function dispatch(routes: Record<string, Handler>, request: Request): Response | Promise<Response> {
  const { pathname } = new URL(request.url)
  const handler = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined
  if (!handler) return new Response('not found\n', { status: 404 })
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return new Response('method not allowed\n', { status: 405, headers: { Allow: 'GET, HEAD' } })
  return handler(request)
}

/** The same request, but from somebody who reads no OpenMetrics: uwsgi_exporter does not write any. */
const textOnly = ({ url, headers }: Request): Request =>
  new Request(url, { headers: { 'Accept-Encoding': headers.get('Accept-Encoding') ?? '' } })

function respond(body: string, type: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { headers: { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers } })
}
