/**
 * Reads a request body as a JSON object within a limit of size and of time. Elysia's own parser requires a Content-Type,
 * has no limit and replaces invalid UTF-8; the original reads a body without a Content-Type as JSON.
 */
import { HttpError, invalid, tryAgain } from './errors.ts'

export interface BodyLimits {
  bodyBytes: number
  requestTimeoutMs: number
}

/** @throws HttpError 400, 413, 415, 422, 499 or 503 */
export async function readJsonObject(request: Request, limits: BodyLimits): Promise<object> {
  checkMediaType(request.headers)
  const text = decode(await readBytes(request, limits))
  if (text.trim() === '') throw new HttpError(400, 'The body is empty: send a JSON object')
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid([{ field: 'body', message: 'must be a JSON object' }])
  }
  // JSON.parse makes it an own property; Elysia copies the object with `=`, which would set the prototype.
  Reflect.deleteProperty(value, '__proto__')
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new HttpError(400, 'The body is not valid JSON')
  }
}

function checkMediaType(headers: Headers): void {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type !== '' && type !== 'application/json' && !/^application\/[^/]+\+json$/.test(type)) {
    throw new HttpError(415, `${type} cannot be read here: send application/json`, {
      Accept: 'application/json',
    })
  }
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (coding !== 'identity') {
    throw new HttpError(415, `The content coding ${coding} cannot be read here`, {
      'Accept-Encoding': 'identity',
    })
  }
}

async function readBytes(request: Request, { bodyBytes, requestTimeoutMs }: BodyLimits): Promise<Uint8Array> {
  const tooLarge = () => new HttpError(413, `The body is larger than ${bodyBytes} bytes`)
  if (Number(request.headers.get('content-length') ?? 0) > bodyBytes) throw tooLarge()
  if (!request.body) return new Uint8Array()

  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    timeout.reject(tryAgain(`The body did not arrive within ${requestTimeoutMs} ms`))
  }, requestTimeoutMs)
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), timeout.promise])
      if (done) return Buffer.concat(chunks, length)
      length += value.byteLength
      if (length > bodyBytes) throw tooLarge()
      chunks.push(value)
    }
  } catch (error) {
    if (request.signal.aborted) throw new HttpError(499, 'The client hung up before its body was complete')
    await reader.cancel()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new HttpError(400, 'The body is not valid UTF-8')
  }
}
