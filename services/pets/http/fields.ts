/** Header fields that every response has: those of Django's SecurityMiddleware and XFrameOptionsMiddleware. */

const SECURITY_FIELDS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
}

/** Built once for many responses: Bun copies a `Headers` object in a quarter of the time of a record. */
export const headersOf = (fields: Record<string, string>): Headers =>
  new Headers({ ...SECURITY_FIELDS, ...fields })

/** For responses that were built without {@link headersOf}. */
export function addSecurityFields(headers: Headers): void {
  if (headers.has('X-Frame-Options')) return
  for (const [name, value] of Object.entries(SECURITY_FIELDS)) headers.set(name, value)
}
