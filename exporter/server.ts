/**
 * What the exporter answers over HTTP. Each page of the metrics, and of the live page's data, is a scrape of its own:
 * nothing is kept from one to the next.
 */
import type { Logger } from '@bun-monitoring/prefork'
import { type Config, VERSION } from './config.ts'
import { familiesOf } from './families.ts'
import { logChanges, MAX_TIMEOUT_MS, type Reading, scrape, timeoutMs } from './scrape.ts'
import { CONTENT_TYPE, renderText } from './text.ts'

const BUILD = { version: VERSION, bun_version: Bun.version }

type Handler = (request: Request) => Response | Promise<Response>

/** The live page runs its own script and style and talks to this process alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'"

/**
 * Starts the server.
 * @throws the system's error, with its code, where the address cannot be had.
 */
export async function serve({ targets, timeoutOffsetMs, listen, telemetryPath }: Config, log: Logger) {
  const page = (await Bun.file(`${import.meta.dir}/page.html`).text()).replaceAll('/metrics', telemetryPath)
  const note = logChanges(log)

  const readTargets = ({ headers, signal }: Request): Promise<Reading[]> => {
    const deadlineMs = timeoutMs(headers.get('X-Prometheus-Scrape-Timeout-Seconds'), timeoutOffsetMs)
    return scrape(targets, AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]))
  }
  const metrics = async (request: Request) => {
    const readings = await readTargets(request)
    // A scraper that hung up has ended the reading; that tells nothing of the targets.
    if (!request.signal.aborted) note(readings)
    return respond(renderText(familiesOf(readings, BUILD)), CONTENT_TYPE)
  }

  const routes: Record<string, Handler> = {
    '/': () => respond(page, 'text/html; charset=utf-8', { 'Content-Security-Policy': PAGE_POLICY }),
    '/workers.json': async (request) =>
      respond(JSON.stringify(await readTargets(request)), 'application/json'),
    '/-/healthy': () => respond('healthy\n', 'text/plain'),
    '/-/ready': () => respond('ready\n', 'text/plain'),
    [telemetryPath]: metrics,
  }

  return Bun.serve({
    ...listen,
    // Left out, Bun shares a port that is taken.
    reusePort: false,
    // Errors are logged, not shown: see `error`.
    development: false,
    // Seconds; a scrape is silent until its last target has answered.
    idleTimeout: (2 * MAX_TIMEOUT_MS) / 1000,
    routes: Object.fromEntries(Object.entries(routes).map(([path, handler]) => [path, getOnly(handler)])),
    fetch: () => new Response('not found\n', { status: 404 }),
    error: (error) => {
      log.error({ err: error }, 'a request failed')
      return new Response('internal error\n', { status: 500 })
    },
  })
}

/** HEAD is GET here: Bun leaves the body out. */
function getOnly(handler: Handler): Handler {
  return (request) =>
    request.method === 'GET' || request.method === 'HEAD'
      ? handler(request)
      : new Response('method not allowed\n', { status: 405, headers: { Allow: 'GET, HEAD' } })
}

function respond(body: string, type: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { headers: { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers } })
}
