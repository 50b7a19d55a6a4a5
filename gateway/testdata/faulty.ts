/** A test upstream with one kind of fault at a time. It remembers its requests. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** Its behaviour on requests other than checks. */
export type Fault = 'nothing wrong' | 'slow' | 'refuse' | 'reset' | 'break off' | 'hang'

const SLOW_MS = 200
const response = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

export class FaultyUpstream implements AsyncDisposable {
  fault: Fault = 'nothing wrong'
  /** How often each request came, by its method and path. */
  readonly asked = new Map<string, number>()
  /** Responses that it has broken off. */
  broken = 0
  port = 0
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()

  static async start(): Promise<FaultyUpstream> {
    const upstream = new FaultyUpstream()
    await upstream.#listen()
    return upstream
  }

  async be(fault: Fault): Promise<void> {
    this.fault = fault
    if (fault === 'refuse') this.#leave()
    else if (this.#server === undefined) await this.#listen()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave()
  }

  async #listen(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {})
      socket.on('data', (bytes) => this.#take(socket, bytes.toString('latin1')))
    })
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
  }

  #leave(): void {
    this.#server?.close()
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
  }

  #take(socket: Socket, text: string): void {
    // Requests arrive one at a time and in one piece; other bytes are the end of a body.
    const request = /^[A-Z]+ \S+(?= HTTP)/.exec(text)?.[0]
    if (request === undefined) return
    const isCheck = request.endsWith('/healthz')
    if (!isCheck) this.asked.set(request, (this.asked.get(request) ?? 0) + 1)
    switch (isCheck && this.fault !== 'hang' ? 'nothing wrong' : this.fault) {
      case 'hang':
        return
      case 'reset':
        return void socket.resetAndDestroy()
      case 'break off':
        this.broken++
        return void socket.write(response('whole').slice(0, -2), () => socket.destroy())
      case 'slow':
        return void setTimeout(() => socket.write(response('whole')), SLOW_MS)
      default:
        socket.write(response('whole'))
    }
  }
}
