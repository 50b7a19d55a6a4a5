/**
 * The metrics page as an HTTP response. Each request chooses its format and encoding, see negotiate.ts; text.ts and
 * openmetrics.ts write the formats.
 */
import type { Family } from '../model/family.ts'
import type { CreationTimes } from './created.ts'
import { acceptsGzip, chooseFormat } from './negotiate.ts'
import { renderOpenMetrics } from './openmetrics.ts'
import { renderText } from './text.ts'

const CONTENT_TYPES = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** A shorter page fits in one packet uncompressed. */
const COMPRESS_FROM_LENGTH = 1024

/** In the query of a URL. */
const CREATED = /[?&]created=1(&|#|$)/

/**
 * The page for a request; without a request, uncompressed text.
 * @param created adds `_created` lines to OpenMetrics for a request with `?created=1`. A Prometheus that asks for them needs the
 *   feature created-timestamp-zero-ingestion, or else each line becomes a series. Without `created` such a request gets text,
 *   because this feature reads a family of OpenMetrics without these lines again for each of its series.
 */
export function page(families: Iterable<Family>, request?: Request, created?: CreationTimes): Response {
  const isCreatedAsked = CREATED.test(request?.url ?? '')
  const accepted = chooseFormat(request?.headers.get('accept') ?? null)
  const format = isCreatedAsked && !created ? 'text' : accepted
  const body =
    format === 'text'
      ? renderText(families)
      : renderOpenMetrics(families, undefined, isCreatedAsked ? created?.page() : undefined)
  const headers = new Headers({ 'Content-Type': CONTENT_TYPES[format], Vary: 'Accept, Accept-Encoding' })
  if (body.length < COMPRESS_FROM_LENGTH || !acceptsGzip(request?.headers.get('accept-encoding') ?? null))
    return new Response(body, { headers })

  headers.set('Content-Encoding', 'gzip')
  // The fastest level: a page is read once, over a fast network, while the other requests of this process wait.
  return new Response(Bun.gzipSync(body, { level: 1 }), { headers })
}
