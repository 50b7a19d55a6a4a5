/** All listeners whose port is shared close, and no connection is lost with them. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import type { TCPSocketListenOptions } from 'bun'
import { readFileSync } from 'node:fs'
import { readHandshakes, readOwnListeners } from '../shared/procfs.ts'
import { closeListeners, sharedListeners } from './close_listeners.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const BLOCKS_AT_MOST_MS = 20_000

/** A server that sends everything back. */
const echo = (reusePort: boolean) =>
  Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    reusePort,
    socket: { data: (socket, bytes) => void socket.write(bytes) },
  } as TCPSocketListenOptions)

/** A client in a process of its own, which connects also while this process does nothing. It prints what comes back. */
const client = (port: number, text: string) =>
  Bun.spawn(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port} && echo ${text} >&3 && head -1 <&3`], {
    stdout: 'pipe',
  })

test('those with a shared port close with their connections left open, and the others stay', async () => {
  using first = echo(true)
  using second = echo(true)
  using own = echo(false)
  const opened = Promise.withResolvers<string>()
  using kept = await Bun.connect({
    hostname: '127.0.0.1',
    port: first.port,
    socket: { data: (_, bytes) => opened.resolve(bytes.toString()) },
  })
  await closeListeners()
  const ports = readOwnListeners().map(({ port }) => port)
  expect(ports).toContain(own.port)
  for (const { port } of [first, second]) {
    expect(ports).not.toContain(port)
    expect(await client(port, 'late').exited).not.toBe(0)
  }
  kept.write('kept')
  expect(await opened.promise).toBe('kept')
})

test('a connection that waits is served and a later one is kept away, unless the kernel moves them', async () => {
  using server = echo(true)
  const clients = Array.from({ length: 8 }, (_, i) => client(server.port, String(i)))
  const queue = () => sharedListeners().find(({ port }) => port === server.port)?.queue
  blockUntil(() => queue() === clients.length)
  const closed = closeListeners(false)
  const late = client(server.port, 'late')
  blockUntil(() => connectionsTo(server.port) > clients.length)
  await closed
  const replies = await Promise.all(clients.map(({ stdout }) => new Response(stdout).text()))
  expect(replies).toEqual(clients.map((_, i) => `${i}\n`))
  expect(await late.exited).not.toBe(0)
})

test('a listener without a connection that waits is closed at once', async () => {
  using _ = echo(true)
  const startedMs = performance.now()
  await closeListeners(false)
  // It would wait for ten seconds.
  expect(performance.now() - startedMs).toBeLessThan(10_000)
})

test('a handshake that has begun may end', async () => {
  // Bun.serve has TCP_DEFER_ACCEPT: to the kernel a handshake ends with the first byte of the client.
  await using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    reusePort: true,
    fetch: () => new Response('ok'),
  })
  const request = String.raw`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`
  const script = `exec 3<>/dev/tcp/127.0.0.1/${server.port} && read && printf '${request}' >&3 && cat <&3`
  const silent = Bun.spawn(['bash', '-c', script], { stdin: 'pipe', stdout: 'pipe' })
  blockUntil(() => readHandshakes(new Set([server.port!])).size > 0)
  const closed = closeListeners(false)
  silent.stdin.write('go\n')
  await silent.stdin.end()
  await closed
  expect(await new Response(silent.stdout).text()).toEndWith('\r\n\r\nok')
})

/** Waits without a turn of the event loop, so that no connection is accepted. A test that blocks has no time limit but this. */
function blockUntil(isSo: () => boolean): void {
  const deadlineMs = performance.now() + BLOCKS_AT_MOST_MS
  while (!isSo()) if (performance.now() > deadlineMs) throw new Error(`it never came true: ${isSo}`)
}

/** The connections of clients to a port, also those that are not open yet. */
function connectionsTo(port: number): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  return rows.filter((row) => row.trim().split(/\s+/)[2]?.endsWith(remote)).length
}
