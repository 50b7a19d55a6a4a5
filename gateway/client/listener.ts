/** Accepts clients on an address, in plain text or with TLS. */
import { createServer } from 'node:tls'
import type { Address } from '@bun-monitoring/prefork'
import type { Socket, TCPSocketListener, TCPSocketListenOptions } from 'bun'
import type { ServerTls } from '../config/tls.ts'
import { discard } from '../io/coalesce.ts'
import { KEEP_ALIVE_MS } from '../io/context.ts'
import type { HeadersConfig, Redirect } from '../config/gateway_file.ts'
import { filterRequest, redirectAll } from '../routing/request_filters.ts'
import { ClientConnection } from './client_connection.ts'
import type { ClientContext } from './client_context.ts'
import { Handshake } from './handshake.ts'
import { MAX_TURNED_AWAY, TurnedAway } from './turned_away.ts'

/** How a listener treats its clients. */
export interface ListenerOptions {
  tls?: ServerTls
  /** All requests are redirected. */
  redirect?: Redirect
  /** Changes of the fields of redirects. */
  responseHeaders?: HeadersConfig
}

/** The sockets of a worker's clients. gateway.ts implements it. */
export interface ClientRegistry extends ClientContext {
  readonly clients: Set<ClientConnection>
  /** Clients above the limit of connections, until they have read their error. */
  readonly turnedAway: Set<TurnedAway>
  readonly handshakes: Set<Handshake>
  /** Called when a client or a handshake is gone. */
  onGone(): void
}

/** The owner of a client's socket. */
type Owner = ClientConnection | TurnedAway | Handshake

/** Cipher suites of TLS 1.2 with authenticated encryption and forward secrecy; those of TLS 1.3 all have both. */
const CIPHERS = ['ECDSA', 'RSA']
  .flatMap((type) =>
    ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map(
      (cipher) => `ECDHE-${type}-${cipher}`,
    ),
  )
  .join(':')
/** As on the wire: a length, and the name of the one protocol. */
const ALPN = '\x08http/1.1'
const VERSIONS = { '1.2': 771, '1.3': 772 } as const

/** @throws if the address is taken */
export function listen(
  registry: ClientRegistry,
  address: Address,
  options: ListenerOptions,
): TCPSocketListener<Owner> {
  const { tls } = options
  // Bun's types for `listen` lack `reusePort` and `allowHalfOpen`, and those for TLS most of these keys.
  const listener = Bun.listen({
    ...address,
    allowHalfOpen: true,
    // Unix sockets have no need of probes.
    socket: handlersOf(registry, options, 'port' in address),
    ...(tls === undefined
      ? {}
      : { tls: { ...contextOf(tls, tls), minVersion: VERSIONS[tls.minVersion], ALPNProtocols: ALPN } }),
  } as unknown as TCPSocketListenOptions<Owner>)
  if (tls !== undefined) addNames(listener, tls)
  return listener
}

const contextOf = ({ cert, key }: { cert: string[]; key: string[] }, { clientCa }: ServerTls) => ({
  cert,
  key,
  ciphers: CIPHERS,
  ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
})

/**
 * Certificates for further names. `Bun.listen` has no option for them; `addContext` of Bun's node:tls server works on the
 * handle of a listener. It is an internal of Bun, which client/tls.test.ts watches.
 */
function addNames(listener: unknown, tls: ServerTls): void {
  if (tls.sni.length === 0) return
  const server = Object.assign(createServer({}), { _handle: listener })
  for (const pairs of tls.sni) {
    const context = { ...contextOf(pairs, tls), minVersion: `TLSv${tls.minVersion}` as const }
    for (const host of pairs.hosts) server.addContext(host, context)
  }
}

function handlersOf(
  registry: ClientRegistry,
  { tls, redirect, responseHeaders }: ListenerOptions,
  isProbed: boolean,
) {
  const protocol = tls === undefined ? 'http' : 'https'
  const filter = redirect === undefined ? filterRequest : redirectAll(redirect, responseHeaders)

  function accept(socket: Socket<Owner>): void {
    if (registry.clients.size >= registry.limits.connections) return turnAway(socket)
    const client = new ClientConnection(registry, socket, protocol, filter)
    socket.data = client
    registry.clients.add(client)
  }

  function turnAway(socket: Socket<Owner>): void {
    registry.clientMetrics.rejected('connections')
    if (registry.turnedAway.size >= MAX_TURNED_AWAY) return void socket.terminate()
    const client = new TurnedAway(registry, socket, (gone) => void registry.turnedAway.delete(gone))
    socket.data = client
    registry.turnedAway.add(client)
    client.start()
  }

  function startHandshake(socket: Socket<Owner>): void {
    const open = registry.clients.size + registry.handshakes.size
    if (open >= registry.limits.connections + MAX_TURNED_AWAY) {
      registry.clientMetrics.rejected('connections')
      return void socket.terminate()
    }
    const handshake = new Handshake(registry, socket, (gone) => {
      if (registry.handshakes.delete(gone)) registry.clientMetrics.handshakes.failed.inc()
      registry.onGone()
    })
    socket.data = handshake
    registry.handshakes.add(handshake)
  }

  return {
    open(socket: Socket<Owner>) {
      registry.clientMetrics.accepted.inc()
      if (isProbed) socket.setKeepAlive(true, KEEP_ALIVE_MS)
      if (tls === undefined) accept(socket)
      else startHandshake(socket)
    },
    ...(tls !== undefined && {
      handshake(socket: Socket<Owner>, isDone: boolean) {
        const { data: handshake } = socket
        if (!(handshake instanceof Handshake)) return
        // Bun reports the certificate of a foreign authority as a success without authorization.
        const isAllowed =
          isDone && (tls.clientCa === undefined || (socket as { authorized?: boolean }).authorized)
        if (!isAllowed) return handshake.reset()
        registry.handshakes.delete(handshake)
        registry.clientMetrics.handshakes.ok.inc()
        accept(socket)
      },
    }),
    data: ({ data: client }: Socket<Owner>, bytes: Buffer) => client?.onData(bytes),
    drain: ({ data: client }: Socket<Owner>) => client?.onDrain(),
    end: ({ data: client }: Socket<Owner>) => client?.onEnd(),
    close: ({ data: client }: Socket<Owner>) => client?.onClose(),
    // Bun calls this for an exception of a handler and leaves the socket open. The bug costs this connection alone.
    error(socket: Socket<Owner>, error: Error) {
      discard()
      registry.log.error({ err: error }, 'a bug in the gateway: the connection to the client is closed')
      if (socket.data === undefined) socket.terminate()
      else socket.data.reset()
    },
  }
}
