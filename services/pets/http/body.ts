/**
 * Reads a request body as a JSON object within a limit of size and of time. Elysia's own parser requires a Content-Type,
 * has no limit and replaces invalid UTF-8. As in the original, a body that is JSON is read under any Content-Type.
 */
import { HttpError, invalid } from './errors.ts'

export interface BodyLimits {
  bodyBytes: number
  requestTimeoutMs: number
}

/** @throws HttpError 400, 408, 413, 415, 422 or 499 */
export async function readJsonObject(request: Request, limits: BodyLimits): Promise<object> {
  checkContentCoding(request.headers)
  const text = decode(await readBytes(request, limits))
  if (text.trim() === '') throw new HttpError(400, 'The body is empty: send a JSON object')
  const value = parse(text, request.headers)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid([{ field: 'body', message: 'must be a JSON object' }])
  }
  return value
}

function parse(text: string, headers: Headers): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const type = mediaTypeOf(headers)
    if (type === '' || isJson(type)) throw new HttpError(400, 'The body is not valid JSON')
    throw new HttpError(415, `${type} cannot be read here: send application/json`, {
      Accept: 'application/json',
    })
  }
}

const mediaTypeOf = (headers: Headers): string =>
  headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''

const isJson = (type: string): boolean =>
  type === 'application/json' || /^application\/[^/]+\+json$/.test(type)

function checkContentCoding(headers: Headers): void {
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (coding === 'identity') return
  throw new HttpError(415, `The content coding ${coding} cannot be read here`, {
    'Accept-Encoding': 'identity',
  })
}

/** Reads the whole body. A request is read by one promise, or chunk by chunk if its length is not declared. */
export async function readBytes(request: Request, limits: BodyLimits): Promise<Uint8Array> {
  const { bodyBytes, requestTimeoutMs } = limits
  const length = request.headers.get('content-length')
  if (Number(length ?? 0) > bodyBytes) throw tooLarge(bodyBytes)
  if (!request.body) return new Uint8Array()

  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => deadline.reject(tooSlow(requestTimeoutMs)), requestTimeoutMs)
  const reader = length === null ? request.body.getReader() : undefined
  try {
    const bytes = reader ? readChunks(reader, bodyBytes) : request.bytes()
    return await Promise.race([bytes, deadline.promise])
  } catch (error) {
    if (request.signal.aborted) throw new HttpError(499, 'The client hung up before its body was complete')
    await reader?.cancel()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Chunks below this size are a reason to let more of them arrive. */
const SMALL_CHUNK_BYTES = 4096

/** Copies each chunk into one buffer, which at most doubles: small chunks as objects would take 250 times their size. */
async function readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  bodyBytes: number,
): Promise<Uint8Array> {
  let buffer = new Uint8Array(SMALL_CHUNK_BYTES)
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return buffer.subarray(0, length)
    const end = length + value.byteLength
    if (end > bodyBytes) throw tooLarge(bodyBytes)
    if (end > buffer.byteLength) {
      const larger = new Uint8Array(Math.max(end, 2 * buffer.byteLength))
      larger.set(buffer.subarray(0, length))
      buffer = larger
    }
    buffer.set(value, length)
    length = end
    // Bun joins the chunks that arrive until the next read, and other requests get their turn.
    if (value.byteLength < SMALL_CHUNK_BYTES) await new Promise(setImmediate)
  }
}

const tooLarge = (bodyBytes: number) => new HttpError(413, `The body is larger than ${bodyBytes} bytes`)

/** The client is too slow, not the service: 408, and the connection with the rest of the body ends (RFC 9110, 15.5.9). */
const tooSlow = (ms: number) =>
  new HttpError(408, `The body did not arrive within ${ms} ms`, { Connection: 'close' })

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new HttpError(400, 'The body is not valid UTF-8')
  }
}
