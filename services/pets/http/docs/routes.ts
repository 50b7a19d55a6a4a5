/* oxlint-disable import/default -- texts have one */
/**
 * The API docs: the OpenAPI document, and a page that shows it (page.ts). Everything comes from this service, so the page works
 * without the internet, and its policy allows nothing else.
 */
import type { RequestTally } from '@bun-monitoring/prefork'
import { Elysia } from 'elysia'
import { type Kind, pathOf } from '../../model/kind.ts'
import { headersOf } from '../fields.ts'
import type { PublicPathOf } from '../public_path.ts'
import { Representation } from '../representation.ts'
import { STYLE } from '../style.ts'
import { openApi } from './openapi.ts'
import { docsPage } from './page.ts'
import script from './script.js' with { type: 'text' }
import { DOCS_STYLE } from './style.ts'

/** `data:` is for the icon, which is empty. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** With `no-cache` a browser asks each time whether its copy holds, and gets 304. */
const file = (text: string, type: string): Representation =>
  new Representation(
    text,
    headersOf({
      'Content-Type': `${type}; charset=utf-8`,
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': POLICY,
    }),
  )

/** `GET /<kind>/swagger`, its style and script, and `/<kind>/swagger/json`. */
export function apiDocs(kind: Kind, version: string, tally: RequestTally, publicPath: PublicPathOf) {
  const page = `${pathOf(kind)}swagger` as const
  const documentAt = (path: string) => openApi(kind, version, path)
  const json = (path: string) => file(JSON.stringify(documentAt(path)), 'application/json')
  const html = (path: string) => file(docsPage(documentAt(path), `${path}${page}`), 'text/html')
  // Built when they are first asked for; under another path than the last one, anew.
  const [jsonOf, htmlOf] = [lastOf(json), lastOf(html)]
  const style = file(STYLE + DOCS_STYLE, 'text/css')
  const behaviour = file(script as unknown as string, 'text/javascript')
  return new Elysia({ name: `${kind.name}-docs` })
    .get(page, ({ request }) => htmlOf(publicPath(request)).respond(request, tally))
    .get(`${page}/json`, ({ request }) => jsonOf(publicPath(request)).respond(request, tally))
    .get(`${page}/style.css`, ({ request }) => style.respond(request, tally))
    .get(`${page}/script.js`, ({ request }) => behaviour.respond(request, tally))
}

/** Remembers the result for the last argument. */
function lastOf<T>(make: (path: string) => T): (path: string) => T {
  let last: { path: string; made: T } | undefined
  return (path) => (last?.path === path ? last : (last = { path, made: make(path) })).made
}
