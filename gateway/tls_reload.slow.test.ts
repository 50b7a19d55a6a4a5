/**
 * SIGHUP takes up new certificates and routes under load, and no connection fails: neither on the port of the settings
 * nor on those of `[[listen]]`, neither a new one nor a kept one whose client honours `Connection: close`.
 */
import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { freePort, type LogLine, TestProcess } from '@bun-monitoring/prefork/testing'
import { Certificates } from './testdata/certificates.ts'

const RELOADS = 10
const WORKERS = 3
/** Of each kind: with TLS or in plain text, with a connection for each request or a kept one. */
const CLIENTS = 2
const HOST = '127.0.0.1'
const LOGGED_WITHIN_MS = 240_000

interface Reply {
  body: string
  isLast: boolean
}

/** A client's connection. Its error or an early end fails the request that waits. */
class Connection {
  #received = ''
  #waiting: PromiseWithResolvers<Reply> | undefined

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => this.#receive(bytes.toString()))
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error(`closed after "${this.#received}"`)))
  }

  /** The name of the server's certificate; empty in plain text. */
  get certificate(): string {
    return 'getPeerCertificate' in this.socket
      ? ((this.socket as TLSSocket).getPeerCertificate().subject.CN as string)
      : ''
  }

  ask(path: string, connection: string): Promise<Reply> {
    this.#received = ''
    this.#waiting = Promise.withResolvers<Reply>()
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`)
    return this.#waiting.promise
  }

  #receive(text: string): void {
    this.#received += text
    const [head, body] = this.#received.split('\r\n\r\n') as [string, string | undefined]
    const length = /^content-length: (\d+)/im.exec(head)?.[1]
    if (body === undefined || body.length !== Number(length)) return
    this.#waiting?.resolve({ body, isLast: /^connection: close/im.test(head) })
    this.#waiting = undefined
  }
}

/** Clients that ask until they are stopped. */
class Clients {
  answered = 0
  readonly failures: string[] = []
  readonly certificates = new Set<string>()
  readonly bodies = new Set<string>()
  readonly #clients: Promise<void>[]
  #isStopping = false

  constructor(kinds: { name: string; open: () => Socket; isKept: boolean }[]) {
    this.#clients = kinds.flatMap(({ name, open, isKept }) =>
      Array.from({ length: CLIENTS }, async () => {
        let kept: Connection | undefined
        while (!this.#isStopping)
          kept = await this.#ask(kept ?? new Connection(open()), isKept).catch(
            (error: Error) => void this.failures.push(`${name}: ${error.message}`),
          )
        kept?.socket.destroy()
      }),
    )
  }

  /** Resolves after this many more responses. */
  async more(count: number): Promise<void> {
    for (const enough = this.answered + count; this.answered < enough;) await Bun.sleep(5)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#clients)
  }

  /** @returns the connection if it can be used again */
  async #ask(connection: Connection, isKept: boolean): Promise<Connection | undefined> {
    const path = this.answered % 2 === 0 ? '/dogs/' : '/version'
    const { body, isLast } = await connection.ask(path, isKept ? 'keep-alive' : 'close')
    this.answered++
    this.bodies.add(body)
    this.certificates.add(connection.certificate)
    if (!isLast) return connection
    connection.socket.end()
    return undefined
  }
}

/** The certificate of a version of the file. */
const nameOf = (version: number) => (version % 2 === 1 ? 'odd' : 'even')

/** The lines about workers that have ended for this reason. */
const endsOf = (gateway: TestProcess, reason: string) =>
  gateway.lines('worker').filter((line) => line.reason === reason)

/** A gateway with clients of all kinds, which ask until they are stopped. */
async function loaded(type: 'EC' | 'RSA', env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const certificates = stack.use(new Certificates())
  for (const name of ['odd', 'even']) certificates.sign(name, 'DNS:a.test', type)
  const dogs = stack.use(
    Bun.serve({ port: 0, hostname: HOST, idleTimeout: 75, fetch: () => new Response('woof') }),
  )
  const [traffic, plain, tls] = [freePort(), freePort(), freePort()]
  const config = certificates.path('gateway.toml')
  const install = async (version: number) => {
    for (const file of ['pem', 'key'])
      await Bun.write(certificates.path(`live.${file}`), certificates.text(`${nameOf(version)}.${file}`))
    await Bun.write(
      config,
      `[[listen]]\naddress = "${HOST}:${tls}"\ntls = { cert = "live.pem", key = "live.key" }
       [[listen]]\naddress = "${HOST}:${plain}"
       [[upstream]]\nname = "dogs"\ntargets = ["http://${HOST}:${dogs.port}"]
       [[route]]\nid = "dogs"\npath = "/dogs"\nupstream = "dogs"
       [[route]]\nid = "version"\npath = "/version"\nrespond = { body = "version ${version}" }`,
    )
  }
  await install(0)
  const gateway = stack.use(
    new TestProcess([`${import.meta.dir}/index.ts`], {
      GATEWAY_PORT: String(traffic),
      GATEWAY_ADMIN_PORT: '0',
      GATEWAY_WORKERS: String(WORKERS),
      GATEWAY_LAME_DUCK_MS: '200',
      // On a busy machine all clients need longer than the default to get their last response.
      GATEWAY_DRAIN_MS: '120000',
      GATEWAY_CONFIG: config,
      ...env,
    }),
  )
  await gateway.ready()
  const ca = certificates.text('ca.pem')
  const openTls = () => connectTls({ host: HOST, port: tls, ca, servername: 'a.test' })
  const clients = new Clients([
    { name: 'TLS, new', open: openTls, isKept: false },
    { name: 'TLS, kept', open: openTls, isKept: true },
    ...[traffic, plain].flatMap((port) =>
      [true, false].map((isKept) => ({
        name: `${port === plain ? 'plain' : 'traffic'}, ${isKept ? 'kept' : 'new'}`,
        open: () => connectPlain(port, HOST),
        isKept,
      })),
    ),
  ])
  // After a failure, too, they ask no more.
  stack.defer(() => void clients.stop())
  await clients.more(100)
  return {
    gateway,
    clients,
    install,
    openTls,
    /** Resolves when there are so many of these log lines. @throws with all lines if that takes too long. */
    logged: async (lines: () => LogLine[], count: number) => {
      const untilMs = performance.now() + LOGGED_WITHIN_MS
      while (lines().length < count) {
        await clients.more(10)
        if (performance.now() > untilMs)
          throw new Error(
            `${lines().length} of ${count} lines: ${JSON.stringify(gateway.lines(''), null, 1)}`,
          )
      }
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

test.each(['EC', 'RSA'] as const)(
  `with a key of type %s, ${RELOADS} reloads replace certificate and routes, and no connection fails`,
  async (type) => {
    await using stage = await loaded(type)
    const { gateway, clients } = stage
    for (let version = 1; version <= RELOADS; version++) {
      await stage.install(version)
      gateway.signal('SIGHUP')
      await stage.logged(() => gateway.lines('reloaded'), version)
      await clients.more(100)
    }
    await stage.logged(() => endsOf(gateway, 'reload'), WORKERS * RELOADS)
    await clients.stop()
    expect(clients.failures).toEqual([])
    expect([...clients.certificates].toSorted()).toEqual(['', 'even', 'odd'])
    for (let version = 0; version <= RELOADS; version++)
      expect(clients.bodies).toContain(`version ${version}`)
    // All workers have the files of the last reload.
    for (let i = 0; i < 10 * WORKERS; i++) {
      const connection = new Connection(stage.openTls())
      expect(await connection.ask('/version', 'close')).toEqual({ body: `version ${RELOADS}`, isLast: true })
      expect(connection.certificate).toBe(nameOf(RELOADS))
    }
  },
  900_000,
)

test('no connection fails when a worker is replaced after its requests', async () => {
  await using stage = await loaded('EC', { GATEWAY_MAX_REQUESTS: '300' })
  await stage.logged(() => endsOf(stage.gateway, 'max_requests'), 2 * WORKERS)
  await stage.clients.stop()
  expect(stage.clients.failures).toEqual([])
}, 300_000)

test('no connection fails when a worker is told to end from outside', async () => {
  await using stage = await loaded('EC')
  const pid = stage.gateway.lines('worker').find(({ workerPid }) => workerPid !== undefined)!.workerPid
  process.kill(pid as number, 'SIGTERM')
  while (existsSync(`/proc/${pid}`)) await stage.clients.more(10)
  await stage.clients.more(100)
  await stage.clients.stop()
  expect(stage.clients.failures).toEqual([])
}, 300_000)
