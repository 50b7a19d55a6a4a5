/**
 * SIGHUP takes up new certificates, and no connection fails once it is accepted. A connection that waits in the accept
 * queue of a listener when that closes is lost (`net.ipv4.tcp_migrate_req` keeps it): the client connects again.
 */
import { expect, test } from 'bun:test'
import { connect } from 'node:tls'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { Certificates } from './testdata/certificates.ts'

const RELOADS = Number(Bun.env.RELOADS ?? 2)
const CLIENTS = 8

function freePort(): number {
  using listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  return listener.port
}

/** One request on a new connection. @returns the name of the certificate; empty if no handshake began */
async function ask(port: number, ca: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'a.test' })
  let received = ''
  let name = ''
  socket.on('secureConnect', () => {
    name = socket.getPeerCertificate().subject.CN as string
    socket.write('GET /dogs/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  })
  socket.on('data', (bytes) => (received += bytes.toString()))
  socket.on('error', (error) => (name === '' ? resolve('') : reject(error)))
  socket.on('close', () =>
    received.endsWith('woof') || name === '' ? resolve(name) : reject(new Error(`got "${received}"`)),
  )
  return await promise
}

test('certificates are replaced under load', async () => {
  using certificates = new Certificates()
  for (const name of ['first', 'second']) certificates.sign(name, 'DNS:a.test')
  const install = async (name: string) => {
    for (const type of ['pem', 'key'])
      await Bun.write(certificates.path(`live.${type}`), certificates.text(`${name}.${type}`))
  }
  await install('first')
  await using dogs = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 75,
    fetch: () => new Response('woof'),
  })
  const port = freePort()
  const config = certificates.path('gateway.toml')
  await Bun.write(
    config,
    `[[listen]]\naddress = "127.0.0.1:${port}"\ntls = { cert = "live.pem", key = "live.key" }
     [[upstream]]\nname = "dogs"\ntargets = ["http://127.0.0.1:${dogs.port}"]
     [[route]]\nid = "dogs"\npath = "/dogs"\nupstream = "dogs"`,
  )
  await using gateway = new TestProcess([`${import.meta.dir}/index.ts`], {
    GATEWAY_PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    GATEWAY_LAME_DUCK_MS: '300',
    GATEWAY_CONFIG: config,
  })
  await gateway.ready()
  await gateway.line(`listening on https://127.0.0.1:${port}`)
  const ca = certificates.text('ca.pem')
  const seen = new Map<string, number>()
  const failures: string[] = []
  const over = new AbortController()
  const client = async () => {
    while (!over.signal.aborted) {
      const name = await ask(port, ca).catch((error: Error) => void failures.push(error.message))
      if (name !== undefined) seen.set(name, (seen.get(name) ?? 0) + 1)
    }
  }
  const clients = Array.from({ length: CLIENTS }, client)
  const more = async (count: number) => {
    const before = seen.values().reduce((sum, each) => sum + each, 0)
    while (seen.values().reduce((sum, each) => sum + each, 0) < before + count) await Bun.sleep(5)
  }
  await more(50)
  for (let i = 1; i <= RELOADS; i++) {
    await install(i % 2 === 1 ? 'second' : 'first')
    gateway.signal('SIGHUP')
    while (gateway.lines('reloaded').length < i) await more(5)
    await more(50)
  }
  over.abort()
  await Promise.all(clients)
  expect(failures).toEqual([])
  console.log(`${RELOADS} reloads: ${seen.get('') ?? 0} connections reset before their handshake`)
  expect([...seen.keys()].filter((name) => name !== '').toSorted()).toEqual(['first', 'second'])
  // Each worker of the last generation has the certificate of the last reload.
  const last = RELOADS % 2 === 1 ? 'second' : 'first'
  while (gateway.lines('worker').filter(({ reason }) => reason === 'reload').length < 2 * RELOADS)
    await Bun.sleep(5)
  for (let i = 0; i < 20; i++) expect(await ask(port, ca)).toBe(last)
}, 120_000)
