/** The files of the live page, read and compressed once. Nothing is loaded from other servers. */
import { join } from 'node:path'

const PAGE = join(import.meta.dir, 'page')
const UPLOT = join(Bun.fileURLToPath(import.meta.resolve('uplot/package.json')), '../dist')

const FILES: readonly [path: string, file: string, type: string][] = [
  ['/', join(PAGE, 'index.html'), 'text/html; charset=utf-8'],
  ['/page/style.css', join(PAGE, 'style.css'), 'text/css; charset=utf-8'],
  ...['main', 'charts', 'tables', 'format'].map((name): [string, string, string] => [
    `/page/${name}.js`,
    join(PAGE, `${name}.js`),
    'text/javascript; charset=utf-8',
  ]),
  ['/page/uplot.js', join(UPLOT, 'uPlot.iife.min.js'), 'text/javascript; charset=utf-8'],
  ['/page/uplot.css', join(UPLOT, 'uPlot.min.css'), 'text/css; charset=utf-8'],
  ['/favicon.ico', join(PAGE, 'icon.svg'), 'image/svg+xml'],
]

/** Only files and data of this server; no inline script or style. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** A handler for each path. @param metricsPath path of the metrics, for the link to them. */
export async function pageFiles(
  metricsPath: string,
): Promise<Record<string, (request: Request) => Response>> {
  const entries = await Promise.all(
    FILES.map(async ([path, file, type]) => {
      // Relative, so that the page works behind a proxy at any path.
      const text = (await Bun.file(file).text()).replaceAll('./metrics', `.${metricsPath}`)
      const headers = {
        'Content-Type': type,
        'Cache-Control': 'no-cache',
        'Content-Security-Policy': POLICY,
        'X-Content-Type-Options': 'nosniff',
        Vary: 'Accept-Encoding',
      }
      return [path, compressed(text, headers)] as const
    }),
  )
  return Object.fromEntries(entries)
}

/** A response for a text that is sent compressed if the client accepts it. */
export function compressed(text: string, headers: Record<string, string>): (request: Request) => Response {
  const packed = Bun.gzipSync(text)
  return (request) =>
    /\bgzip\b/.test(request.headers.get('Accept-Encoding') ?? '')
      ? new Response(packed, { headers: { ...headers, 'Content-Encoding': 'gzip' } })
      : new Response(text, { headers })
}
