/** For tests: targets that handle a connection in any way, and scrapes of them. */
import { createServer, type Server, type Socket } from 'node:net'
import { SETTINGS } from './config/settings.ts'
import { parseTarget } from './config/target.ts'
import { within } from './stats/deadline.ts'
import { DocumentMemory } from './stats/document_memory.ts'
import type { Lookup } from './stats/resolve.ts'
import { type Reading, scrape } from './stats/scrape.ts'

export const MAX_BYTES = Number(SETTINGS.maxBytes.defaults[0])

/** Servers on free ports of this machine, closed together with all of their connections. */
export class Targets {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  /** A target that responds to a request, as over http. */
  http = (respond: (socket: Socket) => void): Promise<string> =>
    this.#listen('http', (socket) => socket.once('data', () => respond(socket)))

  /** A target that sends its document to each connection. */
  tcp = (respond: (socket: Socket) => void): Promise<string> => this.#listen('tcp', respond)

  close(): void {
    for (const server of this.#servers.splice(0)) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #listen(scheme: string, onConnection: (socket: Socket) => void): Promise<string> {
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      onConnection(socket)
    })
    this.#servers.push(server)
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', resolve)
    await promise
    return `${scheme}://127.0.0.1:${(server.address() as { port: number }).port}${scheme === 'http' ? '/stats' : ''}`
  }
}

/** A complete HTTP response. */
export const http = (body: string, head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json'): string =>
  `${head}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Writes the same bytes again and again until the connection closes or the limit is reached. */
export function pour(socket: Socket, bytes: Buffer, limitBytes = Infinity): void {
  let left = limitBytes
  const fill = () => {
    while (left > 0 && socket.writable) {
      left -= bytes.length
      if (!socket.write(bytes)) return
    }
    if (left <= 0) socket.end()
  }
  socket.on('drain', fill)
  fill()
}

/** One scrape of the targets with these URIs, as the server does it. */
export const scrapeWithin = (ms: number, uris: readonly string[], withCores = false, lookup?: Lookup) =>
  within(ms, new AbortController().signal, (signal) =>
    scrape(
      uris.map((uri) => parseTarget(uri)!),
      { signal, memory: new DocumentMemory(MAX_BYTES), withCores, keepsName: false, acceptsAnyObject: true },
      lookup,
    ),
  )

export const problemOf = (reading: Reading | undefined): string | undefined =>
  reading && 'problem' in reading ? reading.problem : undefined

/** Makes a self-signed certificate for this machine: `<name>.crt` and `<name>.key`. */
export async function makeCertificate(folder: string, name: string): Promise<void> {
  const made = Bun.spawn(
    [
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      `${folder}/${name}.key`,
      '-out',
      `${folder}/${name}.crt`,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
    ],
    { stdout: 'ignore', stderr: 'pipe' },
  )
  if ((await made.exited) !== 0) throw new Error(await new Response(made.stderr).text())
}
