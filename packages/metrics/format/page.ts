/**
 * The metrics page as an HTTP response. Each request chooses its format and encoding, see negotiate.ts; text.ts and
 * openmetrics.ts write the formats.
 */
import type { Family } from '../model/family.ts'
import { acceptsGzip, chooseFormat, type Format } from './negotiate.ts'
import { renderOpenMetrics } from './openmetrics.ts'
import { renderText } from './text.ts'

const FORMATS: Record<Format, { contentType: string; render(families: Iterable<Family>): string }> = {
  text: { contentType: 'text/plain; version=0.0.4; charset=utf-8', render: renderText },
  openmetrics: {
    contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    render: renderOpenMetrics,
  },
}

/** A shorter page fits in one packet uncompressed. */
const COMPRESS_FROM_LENGTH = 1024

/** The page for a request; without a request, uncompressed text. */
export function page(families: Iterable<Family>, request?: Request): Response {
  const { contentType, render } = FORMATS[chooseFormat(request?.headers.get('accept') ?? null)]
  const body = render(families)
  const headers = new Headers({ 'Content-Type': contentType, Vary: 'Accept, Accept-Encoding' })
  if (body.length < COMPRESS_FROM_LENGTH || !acceptsGzip(request?.headers.get('accept-encoding') ?? null))
    return new Response(body, { headers })

  headers.set('Content-Encoding', 'gzip')
  // The fastest level: a page is read once, over a fast network, while the other requests of this process wait.
  return new Response(Bun.gzipSync(body, { level: 1 }), { headers })
}
