/** A response to GET: its bytes, its ETag, and the choice between 200, 304 and 412 (RFC 9110 sections 8.8.3 and 13). */
import type { RequestTally } from '@bun-monitoring/prefork'
import { headersOf } from './fields.ts'
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
    this.etag = `"${Bun.hash(link === undefined ? this.#bytes : `${text}\n${link}`).toString(36)}"`
    this.#listFields = listFields
    this.#headers = new Headers(headers)
    this.#headers.set('ETag', this.etag)
    for (const [name, value] of Object.entries(listFields ?? {})) this.#headers.set(name, value)
  }

  /**
   * @param publicPath the beginning of the paths in `Link`
   * @throws HttpError 412
   */
  respond(request: Request, tally: RequestTally, publicPath = ''): Response {
    const response = isNotModified(request, this.etag)
      ? new Response(null, { status: 304, headers: { ETag: this.etag, ...this.#listFields } })
      : new Response(this.#bytes, { headers: this.#headers })
    if (response.status === 200 && request.method !== 'HEAD') tally.sentBytes += this.#bytes.byteLength
    const link = this.#listFields?.Link
    if (publicPath !== '' && link !== undefined) {
      response.headers.set(
        'Link',
        link.replaceAll('</', () => `<${publicPath}/`),
      )
    }
    return response
  }
}
