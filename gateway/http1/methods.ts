/** Methods as indexes into an array: cheap to look up for each request. */
import { isBytes } from './bytes.ts'

/** RFC 9110 section 9 and PATCH. Every other token is a method, too, and `_OTHER` in metrics. */
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

/** Methods that routes can take, for `Allow`. */
export const ROUTED_METHODS = METHODS.slice(0, METHODS.indexOf('CONNECT'))

export const HEAD = METHODS.indexOf('HEAD')
export const POST = METHODS.indexOf('POST')
export const OPTIONS = METHODS.indexOf('OPTIONS')
export const CONNECT = METHODS.indexOf('CONNECT')
export const TRACE = METHODS.indexOf('TRACE')
export const OTHER_METHOD = METHODS.indexOf('_OTHER')

/** Idempotent methods (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set<string>(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])
const idempotent = METHODS.map((method) => IDEMPOTENT.has(method))

export const isIdempotent = (method: number): boolean => idempotent[method]!

const spelled = METHODS.map((method) => Buffer.from(method))

/** Methods are case-sensitive: `get` is not GET. */
export function methodOf(bytes: Buffer, from: number, to: number): number {
  for (let i = 0; i < OTHER_METHOD; i++) if (isBytes(bytes, from, to, spelled[i]!)) return i
  return OTHER_METHOD
}
