/** The module `k6/http` as far as the script uses it: `http.request` and `http.expectedStatuses`. */

import { type HttpRequest, RequestFailed } from '../http/client.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { RawResponse } from '../http/response_reader.ts'
import { checkKeys, strict, strictPrototype, Unsupported } from '../shared/unsupported.ts'
import { currentUser } from '../users/virtual_user.ts'

/** As k6 waits for a response. */
const TIMEOUT_MS = 60_000

interface Params {
  headers?: Record<string, string>
  tags?: Record<string, string>
  responseCallback?: ExpectedStatuses
  responseType?: string
}

/** What `http.expectedStatuses` returns: the statuses of requests that have not failed. */
class ExpectedStatuses {
  constructor(readonly statuses: ReadonlySet<number>) {}
}

/** What `http.request` resolves with. A property that is missing here is an error that names it. */
class Response {
  /** 0 when there is no response: see `error`. */
  readonly status: number
  readonly error: string
  readonly #bytes: Buffer | undefined
  readonly request: { method: string; url: string }

  constructor({ method, url }: HttpRequest, result: RawResponse | RequestFailed) {
    const isResponse = !(result instanceof RequestFailed)
    this.status = isResponse ? result.status : 0
    this.#bytes = isResponse ? result.body : undefined
    this.error = isResponse ? '' : result.message
    this.request = strict('response.request', { method, url: url.href })
  }

  /** Decoded when it is read: most responses of a load test are not. */
  get body(): string {
    return this.#bytes?.toString() ?? ''
  }

  /** The body's value, or one property of it. */
  json(property?: string): unknown {
    if (property !== undefined && !/^\w+$/.test(property))
      throw new Unsupported(`response.json with the path "${property}"`)
    const value = JSON.parse(this.body)
    return property === undefined ? value : value?.[property]
  }
}
Object.setPrototypeOf(Response.prototype, strictPrototype('response'))

export function httpModule(metrics: Metrics) {
  return strict('http', {
    expectedStatuses: (...statuses: unknown[]): ExpectedStatuses => {
      if (!statuses.every(Number.isInteger)) throw new Unsupported('http.expectedStatuses with ranges')
      return new ExpectedStatuses(new Set(statuses as number[]))
    },

    async request(method: string, address: string, body: string | null = null, params: Params = {}) {
      checkKeys('the parameter of http.request', params, [
        'headers',
        'tags',
        'responseCallback',
        'responseType',
      ])
      const { headers = {}, tags = {}, responseCallback, responseType = 'text' } = params
      if (typeof body !== 'string' && body !== null) throw new Unsupported('bodies that are not strings')
      if (responseType !== 'text') throw new Unsupported(`the responseType "${responseType}"`)
      const request = { method, url: urlOf(address), headers, body }

      const user = currentUser('http.request')
      const { result, durationMs } = await user.wait('http.request', () => exchange())
      const response = new Response(request, result)
      const { status } = response
      const isExpected = responseCallback?.statuses.has(status) ?? (status >= 200 && status < 400)
      const tagSet = metrics.tagSet({
        ...user.tags,
        name: address,
        method,
        status: String(status),
        expected_response: String(isExpected),
        ...tags,
      })
      metrics.add('http_reqs', 1, tagSet)
      metrics.add('http_req_duration', durationMs, tagSet)
      metrics.add('http_req_failed', isExpected ? 0 : 1, tagSet)
      return response

      async function exchange() {
        const late = setTimeout(() => user.client.destroy('request timeout'), TIMEOUT_MS)
        try {
          const { response, durationMs } = await user.client.send(request)
          checkPlain(response)
          return { result: response, durationMs }
        } catch (error) {
          if (!(error instanceof RequestFailed)) throw error
          return { result: error, durationMs: error.durationMs }
        } finally {
          clearTimeout(late)
        }
      }
    },
  })
}

/** Parsed addresses: a load test sends to the same ones again and again. */
const urls = new Map<string, URL>()
const MOST_URLS = 1000

function urlOf(address: string): URL {
  let url = urls.get(address)
  if (url === undefined) {
    url = new URL(address)
    if (url.protocol !== 'http:') throw new Unsupported(`${url.protocol}// in ${address}`)
    if (urls.size >= MOST_URLS) urls.clear()
    urls.set(address, url)
  }
  return url
}

/** @throws Unsupported when k6 would do more with the response than to hand it over */
function checkPlain({ status, headers }: RawResponse): void {
  if (status >= 300 && status < 400 && headers.has('location')) throw new Unsupported('redirects')
  if (headers.has('set-cookie')) throw new Unsupported('cookies')
  const encoding = headers.get('content-encoding')
  if (encoding !== undefined && encoding !== 'identity')
    throw new Unsupported(`the Content-Encoding ${encoding}`)
}
