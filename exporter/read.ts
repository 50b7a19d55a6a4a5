/**
 * Reads one stats document over http or https, as text. It trusts the other end with nothing: not to answer, not to
 * stop, not to stay where it is. What the text means is up to parse.ts.
 */

/** Why there is no document, in words for a log line. */
export class ReadError extends Error {
  override name = 'ReadError'
}

/** The largest document that is read: a real one of thousands of workers has a tenth of this. */
export const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024

/**
 * Fetches a document.
 * @throws {ReadError} always with the same words for the same trouble.
 */
export async function readDocument(uri: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(uri, {
      signal,
      headers: { Accept: 'application/json' },
      // Stats are asked for where they are made; HTTP_PROXY is meant for the way out.
      proxy: false,
      // Bun follows even loops of redirects, a hundred times.
      redirect: 'manual',
      // A connection kept from the last scrape may have died with the process it led to.
      keepalive: false,
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new ReadError(`it answered with status ${response.status}`)
    }
    return await readText(response)
  } catch (error) {
    throw error instanceof ReadError ? error : new ReadError(reasonOf(error as Error & { code?: unknown }))
  }
}

async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  const parts: string[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > MAX_DOCUMENT_BYTES)
      throw new ReadError(`its answer is longer than ${MAX_DOCUMENT_BYTES} bytes`)
    parts.push(decoder.decode(chunk, { stream: true }))
  }
  return parts.join('') + decoder.decode()
}

function reasonOf({ name, code, message }: Error & { code?: unknown }): string {
  if (name === 'TimeoutError') return 'it did not answer in time'
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (ECONNREFUSED)'
    case 'ECONNRESET':
      return 'it closed the connection before the end of an HTTP answer (ECONNRESET)'
    default:
      return typeof code === 'string' ? `it could not be read (${code})` : message
  }
}
