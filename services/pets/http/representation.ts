/** A response to GET: its bytes, its ETag, and the choice between 200, 304 and 412 (RFC 9110 sections 8.8.3 and 13). */
import type { RequestTally } from '@bun-monitoring/prefork'
import { headersOf } from './fields.ts'
import type { PublicPathOf } from './public_path.ts'
import { isNotModified } from './preconditions.ts'

const encoder = new TextEncoder()

export const JSON_HEADERS = headersOf({ 'Content-Type': 'application/json' })

/** The fields of a list that it shares with its 304. */
export interface ListFields {
  Vary: string
  Link?: string
}

export class Representation {
  readonly etag: string
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #headers: Headers
  readonly #listFields: ListFields | undefined

  /** @param listFields its links are part of the ETag: a new next page is a change for a client that polls. */
  constructor(text: string, headers = JSON_HEADERS, listFields?: ListFields) {
    this.#bytes = encoder.encode(text)
    const link = listFields?.Link
    this.etag = etagOf(link === undefined ? this.#bytes : `${text}\n${link}`)
    this.#listFields = listFields
    this.#headers = new Headers(headers)
    this.#headers.set('ETag', this.etag)
    for (const [name, value] of Object.entries(listFields ?? {})) this.#headers.set(name, value)
  }

  /**
   * @param publicPathOf the beginning of the paths in `Link`
   * @throws HttpError 412
   */
  respond(request: Request, tally: RequestTally, publicPathOf?: PublicPathOf): Response {
    const response = isNotModified(request, this.etag)
      ? new Response(null, { status: 304, headers: { ETag: this.etag, ...this.#listFields } })
      : new Response(this.#bytes, { headers: this.#headers })
    if (response.status === 200 && request.method !== 'HEAD') tally.sentBytes += this.#bytes.byteLength
    const link = this.#listFields?.Link
    if (link !== undefined && publicPathOf !== undefined) {
      const publicPath = publicPathOf(request)
      if (publicPath !== '') {
        response.headers.set(
          'Link',
          link.replaceAll('</', () => `<${publicPath}/`),
        )
      }
    }
    return response
  }
}

/**
 * The response to GET of a row, which is built anew each time. Its tag is set on the response: headers of its own would have to be
 * copied twice.
 * @throws HttpError 412
 */
export function respondOnce(text: string, request: Request, tally: RequestTally): Response {
  const bytes = encoder.encode(text)
  const etag = etagOf(bytes)
  if (isNotModified(request, etag)) return new Response(null, { status: 304, headers: { ETag: etag } })
  if (request.method !== 'HEAD') tally.sentBytes += bytes.byteLength
  const response = new Response(bytes, { headers: JSON_HEADERS })
  response.headers.set('ETag', etag)
  return response
}

/** In hexadecimal, which costs half of what the base 36 does. */
export const etagOf = (content: string | Uint8Array): string => `"${Bun.hash(content).toString(16)}"`
