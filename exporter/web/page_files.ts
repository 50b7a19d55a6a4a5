/* oxlint-disable import/default -- texts have one */
/** The files of the live page, read and compressed once. Nothing is loaded from other servers. */
import uplotStyle from 'uplot/dist/uPlot.min.css' with { type: 'text' }
import uplot from 'uplot/dist/uPlot.iife.min.js' with { type: 'text' }
import charts from './page/charts.js' with { type: 'text' }
import format from './page/format.js' with { type: 'text' }
import icon from './page/icon.svg' with { type: 'text' }
import page from './page/index.html' with { type: 'text' }
import main from './page/main.js' with { type: 'text' }
import style from './page/style.css' with { type: 'text' }
import tables from './page/tables.js' with { type: 'text' }

const CSS = 'text/css; charset=utf-8'
const SCRIPT = 'text/javascript; charset=utf-8'

/** Imported as texts, so a compiled exporter has them, too. */
const FILES: readonly (readonly [path: string, text: string, type: string])[] = [
  // The types describe an HTML module; as a text it is a string.
  ['/', page as unknown as string, 'text/html; charset=utf-8'],
  ['/page/style.css', style, CSS],
  ['/page/main.js', main, SCRIPT],
  ['/page/charts.js', charts, SCRIPT],
  ['/page/tables.js', tables, SCRIPT],
  ['/page/format.js', format, SCRIPT],
  ['/page/uplot.js', uplot, SCRIPT],
  ['/page/uplot.css', uplotStyle, CSS],
  ['/favicon.ico', icon, 'image/svg+xml'],
]

/** Only files and data of this server; no inline script or style. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** A handler for each path. @param metricsPath path of the metrics, for the link to them. */
export function pageFiles(metricsPath: string): Record<string, (request: Request) => Response> {
  return Object.fromEntries(
    FILES.map(([path, file, type]) => {
      // Relative, so that the page works behind a proxy at any path.
      const text = file.replaceAll('./metrics', `.${metricsPath}`)
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
}

/** A response for a text that is sent compressed if the client accepts it. */
export function compressed(text: string, headers: Record<string, string>): (request: Request) => Response {
  const packed = Bun.gzipSync(text)
  return (request) =>
    /\bgzip\b/.test(request.headers.get('Accept-Encoding') ?? '')
      ? new Response(packed, { headers: { ...headers, 'Content-Encoding': 'gzip' } })
      : new Response(text, { headers })
}
