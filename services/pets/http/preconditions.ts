/**
 * Evaluates the preconditions of a request (RFC 9110 section 13). Resources have ETags and no modification date, so
 * `If-Unmodified-Since` and `If-Modified-Since` are ignored, as sections 13.1.3 and 13.1.4 require.
 */
import { HttpError } from './errors.ts'

export const hasPreconditions = (headers: Headers): boolean =>
  headers.has('if-match') || headers.has('if-none-match')

/**
 * @returns whether the client of a GET or HEAD has the representation: 304.
 * @throws HttpError 412
 */
export function isNotModified(request: Request, etag: string): boolean {
  const { headers, method } = request
  const ifMatch = headers.get('if-match')
  // A weak tag never matches here (section 13.1.1).
  if (ifMatch !== null && !matches(ifMatch, etag, (tag) => tag)) throw failed()
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch === null || !matches(ifNoneMatch, etag, (tag) => tag.replace(/^W\//, ''))) return false
  if (method === 'GET' || method === 'HEAD') return true
  throw failed()
}

const failed = () => new HttpError(412, 'The precondition does not hold: nothing was changed')

const matches = (field: string, etag: string, normalized: (tag: string) => string): boolean =>
  field.trim() === '*' ||
  (field.match(/(?:W\/)?"[^"]*"/g) ?? []).some((candidate) => normalized(candidate) === etag)
