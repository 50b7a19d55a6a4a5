/** The HTTP routes of the exporter. Each request for metrics or for the data of the live page scrapes all targets. */
import { page } from '@bun-monitoring/metrics'
import type { Config } from '../config/config.ts'
import type { Logger } from '../config/log.ts'
import type { Target } from '../config/target.ts'
import { preforkFamilies, preforkPage } from '../families/prefork.ts'
import { uwsgiFamilies } from '../families/uwsgi.ts'
import { ScrapeCounts } from '../families/uwsgi_exporter.ts'
import { within } from '../stats/deadline.ts'
import { DocumentMemory } from '../stats/document_memory.ts'
import { logChanges, scrape, timeoutMs } from '../stats/scrape.ts'
import { type Handler, Listener } from './listener.ts'
import { probeOf } from './probe.ts'

/** The live page has its script and style inside and requests data from this process only. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Starts the server. @throws as the constructor of `Listener` does. */
export async function serve(config: Config, log: Logger): Promise<Listener> {
  const { targets, allowed, timeoutOffsetMs, telemetryPath, collectCores } = config
  const livePage = (await Bun.file(`${import.meta.dir}/page.html`).text()).replaceAll(
    '/metrics',
    telemetryPath,
  )
  const isUwsgi = config.namespace === 'uwsgi'
  const memory = new DocumentMemory(config.maxBytes)
  const counts = new ScrapeCounts()
  const logReadings = logChanges(log)

  /** Aborts the action at the scraper's timeout, or when the scraper closes the connection. */
  const inTime = <T>({ headers, signal }: Request, act: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    within(timeoutMs(headers.get('X-Prometheus-Scrape-Timeout-Seconds'), timeoutOffsetMs), signal, act)
  // The labels of uwsgi_exporter keep the host name.
  const options = { memory, withCores: collectCores, keepsName: isUwsgi, acceptsAnyObject: isUwsgi }
  const read = (some: readonly Target[], signal: AbortSignal) => scrape(some, { ...options, signal })

  // If the scraper closes the connection, the scrape is aborted, which is not a failure of the targets.
  const metrics: Handler = async (request) => {
    const startedMs = performance.now()
    const readings = await inTime(request, (signal) => read(targets, signal))
    if (!request.signal.aborted) {
      logReadings(readings)
      counts.add(readings, (performance.now() - startedMs) / 1000)
    }
    return isUwsgi
      ? page([...uwsgiFamilies(readings), ...counts.families()], textOnly(request))
      : page(preforkPage(readings), request)
  }

  const probe: Handler = (request) =>
    inTime(request, async (signal) => {
      const uri = new URL(request.url).searchParams.get('target')
      const probed = await probeOf(uri, targets, allowed, signal)
      if ('reason' in probed) return new Response(`${probed.reason}\n`, { status: probed.status })
      const readings = await read(probed.targets, signal)
      if (!request.signal.aborted) logReadings(readings)
      return isUwsgi
        ? page(uwsgiFamilies(readings), textOnly(request))
        : page(preforkFamilies(readings), request)
    })

  const workers: Handler = async (request) =>
    respond(
      JSON.stringify(
        await inTime(request, (signal) =>
          scrape(targets, { ...options, signal, withCores: false, acceptsAnyObject: false }),
        ),
      ),
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

/** Bun removes the body of a response to HEAD. */
function dispatch(routes: Record<string, Handler>, request: Request): Response | Promise<Response> {
  const { pathname } = new URL(request.url)
  const handler = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined
  if (!handler) return new Response('not found\n', { status: 404 })
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return new Response('method not allowed\n', { status: 405, headers: { Allow: 'GET, HEAD' } })
  return handler(request)
}

/** The same request without its Accept header: like uwsgi_exporter, the namespace `uwsgi` has no OpenMetrics form. */
const textOnly = ({ url, headers }: Request): Request =>
  new Request(url, { headers: { 'Accept-Encoding': headers.get('Accept-Encoding') ?? '' } })

function respond(body: string, type: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { headers: { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers } })
}
