/** The HTTP routes of the exporter. Each request for metrics scrapes all targets; the data of the live page is that of the monitor. */
import { page } from '@bun-monitoring/metrics'
import type { Config } from '../config/config.ts'
import type { Logger } from '../config/log.ts'
import type { Target } from '../config/target.ts'
import { preforkFamilies, preforkPage } from '../families/prefork.ts'
import { uwsgiFamilies } from '../families/uwsgi.ts'
import { ScrapeCounts } from '../families/uwsgi_exporter.ts'
import { Links } from '../live/links.ts'
import { Monitor } from '../live/monitor.ts'
import { within } from '../stats/deadline.ts'
import { DocumentMemory } from '../stats/document_memory.ts'
import { logChanges, scrape, timeoutMs } from '../stats/scrape.ts'
import { type Handler, Listener } from './listener.ts'
import { compressed, pageFiles } from './page_files.ts'
import { probeOf } from './probe.ts'

/** Size limit of the pages at `/metrics` that the live page needs, together. */
const MAX_METRICS_BYTES = 8 * 2 ** 20

export interface Server {
  /** The addresses that it listens on. */
  urls: readonly string[]
  stop: () => Promise<void>
}

/** Starts the server. @throws as the constructor of `Listener` does. */
export async function serve(config: Config, log: Logger): Promise<Server> {
  const { targets, allowed, timeoutOffsetMs, telemetryPath, collectCores } = config
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

  const forPage = { ...options, withCores: false, acceptsAnyObject: false }
  const workers: Handler = async (request) => {
    const readings = await inTime(request, (signal) => scrape(targets, { ...forPage, signal }))
    return respond(JSON.stringify(readings), 'application/json')
  }

  const monitor = new Monitor({
    targets,
    historyMs: config.historyMs,
    stepMs: config.stepMs,
    scrape: { ...forPage, metricsMemory: new DocumentMemory(MAX_METRICS_BYTES) },
  })
  const links = new Links(config.links)
  const live: Handler = async (request) => {
    const after = Number(new URL(request.url).searchParams.get('after'))
    const document = { ...(await monitor.document(after)), links: await links.responding() }
    return compressed(JSON.stringify(document), {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
    })(request)
  }

  const routes: Record<string, Handler> = {
    ...pageFiles(telemetryPath),
    '/live.json': live,
    '/workers.json': workers,
    '/probe': probe,
    '/-/healthy': () => respond('healthy\n', 'text/plain'),
    '/-/ready': () => respond('ready\n', 'text/plain'),
    [telemetryPath]: metrics,
  }
  const listener = new Listener(
    config.listen,
    config.webConfigFile,
    (request) => dispatch(routes, config.externalPath ?? '', request),
    log,
  )
  monitor.start()
  const stop = () => {
    monitor.stop()
    return listener.stop()
  }
  return { urls: listener.urls, stop }
}

/** A proxy may or may not remove the path of the external URL. Bun removes the body of a response to HEAD. */
function dispatch(
  routes: Record<string, Handler>,
  externalPath: string,
  request: Request,
): Response | Promise<Response> {
  const { pathname } = new URL(request.url)
  // Relative addresses of the page need the slash at the end. Without an external path this is never so: each path has a slash.
  if (pathname === externalPath)
    return new Response(null, { status: 308, headers: { Location: `${externalPath}/` } })
  const path = pathname.startsWith(`${externalPath}/`) ? pathname.slice(externalPath.length) : pathname
  // A path has a slash, so none is the name of a property that every object has.
  const handler = routes[path]
  if (!handler) return new Response('not found\n', { status: 404 })
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return new Response('method not allowed\n', { status: 405, headers: { Allow: 'GET, HEAD' } })
  return handler(request)
}

/** The same request without its Accept header: like uwsgi_exporter, the namespace `uwsgi` has no OpenMetrics form. */
const textOnly = ({ url, headers }: Request): Request =>
  new Request(url, { headers: { 'Accept-Encoding': headers.get('Accept-Encoding') ?? '' } })

const respond = (body: string, type: string): Response =>
  new Response(body, { headers: { 'Content-Type': type, 'Cache-Control': 'no-store' } })
