/** Methods as numbers: what is looked up for every request is an array's place. */
import { isBytes } from './bytes.ts'

/** RFC 9110 section 9 and PATCH. Whatever else is a token is taken, too, and called `_OTHER` in metrics. */
export const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  '_OTHER',
] as const

export const HEAD = METHODS.indexOf('HEAD')
export const OPTIONS = METHODS.indexOf('OPTIONS')
export const CONNECT = METHODS.indexOf('CONNECT')
export const TRACE = METHODS.indexOf('TRACE')
export const OTHER_METHOD = METHODS.indexOf('_OTHER')

/** What may be asked twice without doing more than once (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set<string>(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])
const idempotent = METHODS.map((method) => IDEMPOTENT.has(method))

export const isIdempotent = (method: number): boolean => idempotent[method]!

const spelled = METHODS.map((method) => Buffer.from(method))

/** Methods are case-sensitive: `get` is not GET. */
export function methodOf(bytes: Buffer, from: number, to: number): number {
  for (let i = 0; i < OTHER_METHOD; i++) if (isBytes(bytes, from, to, spelled[i]!)) return i
  return OTHER_METHOD
}
