/** Memory of a gateway process: nothing for a body, and little for a connection. */
import { readProcess } from '@bun-monitoring/prefork/procfs'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Several times what the process may grow by. */
const BODY_BYTES = 400_000_000
const GROWTH_BYTES = 64 * 1024 * 1024
const CONNECTIONS = 2000
const BYTES_PER_CONNECTION = 10_000
const PIECE = Buffer.alloc(1_000_000, 'x')

const folder = mkdtempSync(join(tmpdir(), 'gateway-memory-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function startGateway(target: string): Promise<{ gateway: TestProcess; port: number }> {
  const config = join(folder, 'gateway.toml')
  await Bun.write(
    config,
    `limits = { body_bytes = ${BODY_BYTES} }
     [[upstream]]\nname = "dogs"\ntargets = ["${target}"]
     [[route]]\nid = "dogs"\npath = "/dogs"\nupstream = "dogs"`,
  )
  const env = { GATEWAY_CONFIG: config, GATEWAY_PORT: '0', GATEWAY_ADMIN_PORT: '0' }
  const gateway = new TestProcess([`${import.meta.dir}/index.ts`], env)
  return { gateway, port: Number(new URL((await gateway.ready()).url).port) }
}

/** 0 once the process is gone. */
const rssBytes = (gateway: TestProcess): number => readProcess(gateway.pid)?.rssBytes ?? 0

/** Sends the given number of bytes, with back-pressure. */
function pour(socket: Socket, bytes: number): void {
  let left = bytes
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      const piece = PIECE.subarray(0, left)
      left -= piece.length
      if (!socket.write(piece)) return void socket.once('drain', more)
    }
  }
  more()
}

/** An upstream that receives a large body and sends one of the same size. */
async function upstreamOf(bytes: number) {
  const server = createServer((socket) => {
    let received = 0
    let headBytes = -1
    socket.on('error', () => {})
    socket.on('data', (data) => {
      if (headBytes === -1) headBytes = data.indexOf('\r\n\r\n') + 4
      received += data.length
      if (received - headBytes < bytes) return
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`)
      pour(socket, bytes)
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => server.close(),
  }
}

test(
  '400 MB pass in both directions within 64 MiB',
  async () => {
    using upstream = await upstreamOf(BODY_BYTES)
    const { gateway, port } = await startGateway(upstream.url)
    await using _ = gateway
    const before = rssBytes(gateway)
    let most = before
    const watch = setInterval(() => (most = Math.max(most, rssBytes(gateway))), 10)
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`)
    pour(socket, BODY_BYTES)
    let received = 0
    await new Promise<void>((resolve) =>
      socket.on('data', (data) => {
        received += data.length
        if (received > BODY_BYTES) resolve()
      }),
    )
    clearInterval(watch)
    socket.destroy()
    expect(received).toBeGreaterThan(BODY_BYTES)
    console.log(`400 MB both ways: ${((most - before) / 1e6).toFixed(1)} MB more than before`)
    expect(most - before).toBeLessThan(GROWTH_BYTES)
  },
  { timeout: 120_000 },
)

test(
  'an idle connection costs at most 10 kB',
  async () => {
    using upstream = await upstreamOf(0)
    const { gateway, port } = await startGateway(upstream.url)
    await using _ = gateway
    const ask = 'GET /dogs/ HTTP/1.1\r\nHost: pets.example\r\nUser-Agent: idle\r\nAccept: */*\r\n\r\n'
    /** Connections that were used once. */
    const idle = (count: number): Promise<Socket[]> =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const socket = connect(port, '127.0.0.1')
          socket.write(ask)
          await new Promise((resolve) => socket.once('data', resolve))
          return socket
        }),
      )
    const warm = await idle(200)
    const before = rssBytes(gateway)
    const sockets = []
    for (let i = 0; i < CONNECTIONS; i += 100) sockets.push(...(await idle(100)))
    const each = (rssBytes(gateway) - before) / CONNECTIONS
    console.log(`an idle connection: ${each.toFixed(0)} bytes`)
    for (const socket of [...warm, ...sockets]) socket.destroy()
    expect(each).toBeLessThan(BYTES_PER_CONNECTION)
  },
  { timeout: 60_000 },
)
