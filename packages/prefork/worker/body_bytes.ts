/** The size of a response's body, without reading it. */
import { estimateShallowMemoryUsageOf } from 'bun:jsc'

const EMPTY_BYTES = estimateShallowMemoryUsageOf(new Response())

/**
 * Bun has no property for the size of a body, but its estimate of a response's memory includes a body of text or bytes.
 * @returns 0 for a file or a stream without `Content-Length`. Text counts with a byte for each Latin-1 character, and two for
 * each character of text that has others.
 */
export function bodyBytes(method: string, response: Response): number {
  if (method === 'HEAD') return 0
  const bytes = estimateShallowMemoryUsageOf(response) - EMPTY_BYTES
  return bytes > 0 ? bytes : Number(response.headers.get('content-length') ?? 0)
}
