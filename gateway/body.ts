/** The body of a request on its way to the upstream: streamed, measured, never held. */
import { Refusal } from './failure.ts'

/**
 * The request's body, `null` where it has none. It fails with a {@link Refusal} once it is above the limit; `onSent`
 * is called when its last byte was passed on.
 * @throws {Refusal} where its declared length is above the limit, or where fetch could not send it.
 */
export function limitedBody(request: Request, limitBytes: number, onSent: () => void): ReadableStream | null {
  const length = Number(request.headers.get('content-length') ?? 0)
  if (length > limitBytes) throw tooLarge(limitBytes)
  if (!request.body) {
    const hasBody = length > 0 || request.headers.has('transfer-encoding')
    // Bun gives the body of a GET to nobody, and fetch sends none. To drop it would change what was asked.
    if (hasBody) throw new Refusal(400, `A ${request.method} request with a body cannot be forwarded`)
    onSent()
    return null
  }
  let passedBytes = 0
  return request.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        passedBytes += chunk.byteLength
        if (passedBytes > limitBytes) throw tooLarge(limitBytes)
        controller.enqueue(chunk)
      },
      flush: onSent,
    }),
  )
}

const tooLarge = (limitBytes: number) =>
  new Refusal(413, `The body of a request may have ${limitBytes} bytes`)
