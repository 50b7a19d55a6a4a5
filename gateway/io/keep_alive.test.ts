/** The kernel probes whether a silent peer is still there: one that lost its power never closes its connection. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { namedUpstream, rawClient, startGateway, until } from '../testing.ts'

/** The kernel's timer of an established connection that it probes (proc_net_tcp of its documentation). */
const PROBES = '02'
const ESTABLISHED = '01'

const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')

/** Whether the kernel probes the connection from one port of 127.0.0.1 to another. */
function isProbed(from: number, to: number): boolean {
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1)
  const row = rows
    .map((line) => line.trim().split(/\s+/))
    .find(
      ([, local, remote, state]) =>
        local!.endsWith(`:${hex(from)}`) && remote!.endsWith(`:${hex(to)}`) && state === ESTABLISHED,
    )
  return row![5]!.split(':')[0] === PROBES
}

const oneOf = (sockets: Set<Socket>) => sockets.values().next().value!

test('on connections to clients and to upstreams', async () => {
  using upstream = await namedUpstream('first')
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.until(/first$/)
  // Until the acknowledgements have come, the kernel has another timer.
  await until(() => isProbed(gateway.port, client.socket.localPort!))
  const { localPort, remotePort } = oneOf(upstream.sockets)
  await until(() => isProbed(remotePort!, localPort!))
  expect(isProbed(client.socket.localPort!, gateway.port)).toBe(false)
})
